"""The values of a deployed stack's parameters, and the defaults of the template."""

from collections.abc import Mapping

from hundredfold_cli.stack.deployment import Deployment


def differing_parameters(deployment: Deployment) -> dict[str, tuple[str, str]]:
    """Return the parameters whose deployed values differ from the template's defaults: value and default, by name.

    CloudFormation keeps a value until it is set again. So a default that has changed since does not reach a stack.
    """
    cloudformation = deployment.session.client("cloudformation", endpoint_url=deployment.endpoint)
    [stack] = cloudformation.describe_stacks(StackName=deployment.stack)["Stacks"]
    declared = cloudformation.get_template_summary(StackName=deployment.stack)["Parameters"]
    values = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])}
    defaults = {parameter["ParameterKey"]: parameter.get("DefaultValue", "") for parameter in declared}
    return {
        name: (value, defaults[name])
        for name, value in sorted(values.items())
        if name in defaults and value != defaults[name]
    }


def describe_differences(differing: Mapping[str, tuple[str, str]]) -> str:
    """Say which parameters differ from the template's defaults, and how to change one."""
    if not differing:
        return "all parameters have the template's defaults."
    values = ", ".join(
        f"{name} is {value or 'empty'} (default: {default or 'empty'})" for name, (value, default) in differing.items()
    )
    return f"not the template's defaults: {values}. A value stays until --parameter NAME=VALUE sets another one."

"""Whether the stack can be deployed with defaults, removed, and deployed again."""

from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Deployed, Stage

COMPLETE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


def judge_defaults(deployments: tuple[Deployed, ...]) -> Answer:
    """Judge the first deployment. The local stack has parameters of its own in infra/samconfig.toml."""
    if not deployments:
        raise CannotAskError("the stack was there before")
    first = deployments[0]
    differing = f"; not defaults: {', '.join(first.differing)}" if first.differing else ", all parameters are defaults"
    return Answer(f"{first.status}{differing}", first.status in COMPLETE)


def judge_again(deployments: tuple[Deployed, ...]) -> Answer:
    """Judge the deployment under the name of a stack that was removed."""
    again = next((deployed for deployed in deployments if deployed.after_removal), None)
    if again is None:
        raise CannotAskError("nothing was removed")
    return Answer(f"removed, and {again.status} under the same name", again.status in COMPLETE)


def _defaults(stage: Stage) -> Answer:
    return judge_defaults(stage.deployments)


def _again(stage: Stage) -> Answer:
    return judge_again(stage.deployments)


DEPLOYS = Check(
    "deploys",
    "the template is deployed with its defaults",
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html",
    _defaults,
    needs_own_stack=True,
)
DEPLOYS_AGAIN = Check(
    "deploys-again",
    "after its removal it is deployed under the same name",
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html",
    _again,
    needs_own_stack=True,
)

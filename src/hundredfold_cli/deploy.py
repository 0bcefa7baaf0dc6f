"""Deploying the template with `sam deploy`, and releasing what was deployed.

CloudFormation deploys the inference function, and does not change which version of it is live. A release does that:
see `hundredfold_cli.models.releases`.
"""

import os
import platform
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.model.card import CARD, Card
from hundredfold.model.engine import Engine
from hundredfold_cli.errors import DeploymentError, NotThereError, OptionError
from hundredfold_cli.estimates.scenario import GROUP_BATCHES, GROUP_BATCHES_AT_ONCE
from hundredfold_cli.models.releases import Releases, Version
from hundredfold_cli.stack.artefacts import provide, provide_extras
from hundredfold_cli.stack.checkout import BUILT, BUNDLE, ROOT, SAM, SAM_CONFIG, TEMPLATE
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.environments import need_environment
from hundredfold_cli.stack.parameters import describe_differences, differing_parameters

_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64"}
"""What Lambda calls this machine's processor. All others are x86_64."""

STREAM_PARAMETER = "StreamArn"
"""The template's parameter that maps a stream to the alias `live` of the inference function."""

type Say = Callable[[str], None]
"""Called with a message for a person, at each step."""


def prepare(bundle: Path | None, architecture: str | None, say: Say) -> None:
    """Provide what a deployment needs: the archives, and sam.

    Parameters
    ----------
    bundle : the model to build into the stack; None takes the bundle of the last time
    architecture : of the functions, `x86_64` or `arm64`; None takes this machine's

    Raises
    ------
    NotThereError, DeploymentError
        If something is missing, or cannot be built or installed.
    """
    provide(bundle, architecture or _ARCHITECTURES.get(platform.machine(), "x86_64"), say)
    need_environment("tools")


def deploy_locally(
    target: Mapping[str, str],
    log: Path,
    parameters: Mapping[str, str] | None = None,
    *,
    stack: str = STACK_NAME,
    built_model: bool = False,
    say: Say = lambda _: None,
) -> None:
    """Deploy the template to a local stack, as it is deployed to AWS, and release it. Done again, it updates.

    Parameters
    ----------
    target : the environment variables that lead to the local stack: endpoint, region and credentials
    log : the file that gets sam's output
    parameters : template parameters, beside those that infra/samconfig.toml has for the local target
    stack : the CloudFormation stack's name
    built_model : make the model live that was built with the stack, in place of the live one

    Raises
    ------
    NotThereError
        If something was not built.
    DeploymentError
        If sam or CloudFormation refuse; the message has their last lines.
    ReleaseRefusedError
        If what was deployed does not predict. What was live before stays live.
    """
    session = boto3.Session(
        aws_access_key_id=target["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=target["AWS_SECRET_ACCESS_KEY"],
        region_name=target["AWS_REGION"],
    )

    def find() -> Deployment:
        return Deployment.find(session, target["AWS_ENDPOINT_URL"], stack)

    def run_sam(command: list[str]) -> None:
        with log.open("wb") as output:
            process = subprocess.run(
                command,
                env=_sam_environment(target, log.parent / "sam"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if process.returncode:
            last = "\n  ".join(log.read_text(errors="replace").splitlines()[-12:])
            raise DeploymentError(f"the template could not be deployed; all of it is in {log}, the end is:\n  {last}")

    _deploy("local", stack, parameters or {}, find, run_sam, built_model=built_model, say=say)


def deploy_to_aws(
    stack: str, parameters: Mapping[str, str], *, built_model: bool = False, asks: bool = True, say: Say
) -> None:
    """Deploy the template to AWS, and release it. sam shows what changes, and asks first.

    Parameters
    ----------
    asks : False if the person was asked already. Then sam's messages go to standard error.

    Raises
    ------
    OptionError
        As of `check_groups`.
    NotThereError, DeploymentError, ReleaseRefusedError
        As of `deploy_locally`.
    """
    check_groups(parameters)

    def find() -> Deployment:
        return Deployment.find(boto3.Session(), None, stack)

    def run_sam(command: list[str]) -> None:
        run_sam_on_aws(command, stack) if asks else _run_sam_unasked(command)

    _deploy("default", stack, parameters, find, run_sam, built_model=built_model, say=say)


def run_sam_on_aws(command: list[str], stack: str) -> None:
    """Run `sam deploy`, which shows what changes and asks first.

    Raises
    ------
    DeploymentError
        If sam fails, or if the changes were not confirmed. Then sam ends with 0, and leaves the change set as it is.
    """
    waiting = _waiting_change_sets(stack)
    if subprocess.run(command, env=_sam_environment({}, None), check=False).returncode:
        raise DeploymentError("the template could not be deployed; the messages of sam above say why")
    if _waiting_change_sets(stack) - waiting:
        raise DeploymentError("nothing was deployed or released, because the changes were not confirmed")


def _run_sam_unasked(command: list[str]) -> None:
    unasked = [*command, "--no-confirm-changeset"]
    done = subprocess.run(
        unasked, env=_sam_environment({}, None), stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    if done.returncode:
        raise DeploymentError("the template could not be deployed; the messages of sam above say why")


def check_groups(parameters: Mapping[str, str]) -> None:
    """Check that all batches of a group run at once on AWS. In rounds, a child could exceed its five minutes.

    Raises
    ------
    OptionError
        If a group can have more batches than run at once.
    """
    batches = parameters.get("GroupBatches", str(GROUP_BATCHES))
    at_once = parameters.get("GroupBatchesAtOnce", str(GROUP_BATCHES_AT_ONCE))
    if batches.isdecimal() and at_once.isdecimal() and int(batches) > int(at_once):
        raise OptionError(
            f"GroupBatches={batches} and GroupBatchesAtOnce={at_once}: on AWS all batches of a group must run at once; "
            f"set GroupBatchesAtOnce to at least {batches}"
        )


def release_deployed(deployment: Deployment, *, built_model: bool = False, say: Say = lambda _: None) -> Version:
    """Make the deployed code and layers live, with the model that is live; return the version that is live then.

    Parameters
    ----------
    built_model : take the model that was built with the stack. It is also taken if no model is live yet.
    """
    releases = Releases(deployment, say)
    with releases.locked("releasing a deployment"):
        live = releases.live()
        layer = releases.version(live.version).model_layer if live else ""
        if built_model or not layer:
            layer = deployment.model_layer
        card, digest = releases.layers.card(layer)
        version, is_new = releases.release(layer, card, digest, "deployment")
    say(f"version {version.number} with model {card.name} {'is now' if is_new else 'stays'} live.")
    if layer != deployment.model_layer and releases.layers.card(deployment.model_layer)[1] != digest:
        publish = f"hundredfold model publish {os.path.relpath(BUNDLE)}"
        say(f"the model that was built here is another one; make it live with: {publish}")
    return version


def deployment_steps(parameters: Mapping[str, str], has_live: Callable[[], bool]) -> list[dict[str, str]]:
    """Return the template parameters of each deployment that it takes.

    A stream is mapped to the alias `live`, which the first release makes. So the first deployment with a stream takes
    two steps: one without the stream, and one with it.

    Parameters
    ----------
    has_live : tells whether a version is live
    """
    if not parameters.get(STREAM_PARAMETER) or has_live():
        return [dict(parameters)]
    return [{name: value for name, value in parameters.items() if name != STREAM_PARAMETER}, dict(parameters)]


def configured_parameters(environment: str) -> dict[str, str]:
    """Return the template parameters that infra/samconfig.toml has for an environment: `local` or `default`."""
    config = tomllib.loads(SAM_CONFIG.read_text())[environment]["deploy"]["parameters"]
    return dict(word.partition("=")[::2] for word in config.get("parameter_overrides", []))


def _deploy(
    environment: str,
    stack: str,
    parameters: Mapping[str, str],
    find: Callable[[], Deployment],
    run_sam: Callable[[list[str]], None],
    *,
    built_model: bool,
    say: Say,
) -> None:
    def has_live() -> bool:
        try:
            return Releases(find()).live() is not None
        except NotThereError:
            return False

    # A parameter of the command line wins over the same parameter of the file.
    steps = deployment_steps({**configured_parameters(environment), **parameters}, has_live)
    if len(steps) > 1:
        say("nothing is live yet, so it is deployed without the stream first, and then with it.")
    provide_extras(required_packages(_cards(find)), steps[0].get("Architecture", "x86_64"), say)
    for step in steps:
        run_sam(_sam_command(environment, stack, step))
        release_deployed(find(), built_model=built_model, say=say)
    say(describe_differences(differing_parameters(find())))


def required_packages(cards: Iterable[Card]) -> set[str]:
    """Return the packages that models need beside those of every model. A compiled model needs none."""
    return {name for card in cards if card.engine.engine is Engine.SCIKIT_LEARN for name in card.requires}


def _cards(find: Callable[[], Deployment]) -> list[Card]:
    """Return the cards of the built model and the live one, as far as there are any."""
    cards = [Card.from_json((BUNDLE / CARD).read_bytes())] if (BUNDLE / CARD).exists() else []
    try:
        releases = Releases(find())
        if live := releases.live():
            cards.append(releases.layers.card(releases.version(live.version).model_layer)[0])
    except NotThereError:
        pass  # nothing is deployed yet, or nothing is live
    return cards


def _waiting_change_sets(stack: str) -> frozenset[str]:
    """Return the change sets of a stack that could be executed. None is left once one of them was."""
    try:
        pages = list(boto3.client("cloudformation").get_paginator("list_change_sets").paginate(StackName=stack))
    except ClientError as error:
        if error_code(error) == "ValidationError":  # there is no such stack yet
            return frozenset()
        raise
    return frozenset(
        change_set["ChangeSetId"]
        for page in pages
        for change_set in page["Summaries"]
        if change_set.get("ExecutionStatus") == "AVAILABLE"
    )


def _sam_command(environment: str, stack: str, parameters: Mapping[str, str]) -> list[str]:
    if missing := [path.relative_to(ROOT) for path in (*BUILT, SAM) if not path.exists()]:
        raise NotThereError(f"{missing[0]} is not there yet; run make build")
    command = [
        *(str(SAM), "deploy", "--config-file", str(SAM_CONFIG), "--config-env", environment),
        *("--template-file", str(TEMPLATE), "--stack-name", stack),
        # sam's bucket is of all stacks of the account. Under its name, `prune` and `remove` know what is this one's.
        *("--s3-prefix", stack),
    ]
    overrides = ["--parameter-overrides", *(f"{name}={_quoted(value)}" for name, value in parameters.items())]
    return [*command, *overrides] if parameters else command


def _quoted(value: str) -> str:
    """Quote a parameter's value for sam. A schedule has spaces, and a source as JSON has quotes."""
    return '"' + value.replace('"', r"\"") + '"'


def _sam_environment(target: Mapping[str, str], sam_folder: Path | None) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not (target and name.startswith("AWS_"))}
    folder = {"__SAM_CLI_APP_DIR": str(sam_folder)} if sam_folder else {}
    return {**inherited, **target, "SAM_CLI_TELEMETRY": "0", **folder}

"""Deploying the template with `sam deploy`, and releasing what was deployed.

CloudFormation leaves what is live alone: see `hundredfold_cli.releases`.
"""

import os
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3

from hundredfold_cli.errors import DeploymentError, NotThereError
from hundredfold_cli.models.releases import Releases, Version
from hundredfold_cli.stack.checkout import BUILT, ROOT, SAM, SAM_CONFIG, TEMPLATE
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment

STREAM_PARAMETER = "StreamArn"
"""The template's parameter that gives the alias `live` of the inference function a stream."""


def deploy_locally(
    target: Mapping[str, str],
    log: Path,
    parameters: Mapping[str, str] | None = None,
    *,
    built_model: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Deploy the template to a local stack as it is deployed to AWS, and release it; done again, it updates.

    Parameters
    ----------
    target : the environment that leads to the local stack: endpoint, region and credentials
    log : what sam prints goes here
    parameters : template parameters, beside those of the local target in infra/samconfig.toml
    built_model : make the model that was built with the stack live, in place of the one that is

    Raises
    ------
    NotThereError
        If something was not built.
    DeploymentError
        If sam or CloudFormation refuse; the message has their last lines.
    ReleaseRefusedError
        If what was deployed does not predict; what was live before stays live.
    """
    session = boto3.Session(
        aws_access_key_id=target["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=target["AWS_SECRET_ACCESS_KEY"],
        region_name=target["AWS_REGION"],
    )

    def find() -> Deployment:
        return Deployment.find(session, target["AWS_ENDPOINT_URL"], STACK_NAME)

    for step in _steps("local", parameters or {}, find, say):
        with log.open("wb") as output:
            done = subprocess.run(
                _sam_deploy("local", STACK_NAME, step),
                env=_environment(target, log.parent / "sam"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            last = "\n  ".join(log.read_text(errors="replace").splitlines()[-12:])
            raise DeploymentError(f"the template could not be deployed; all of it is in {log}, the end is:\n  {last}")
        release_deployed(find(), built_model=built_model, say=say)


def deploy_to_aws(
    stack: str, parameters: Mapping[str, str], *, built_model: bool = False, say: Callable[[str], None]
) -> None:
    """Deploy the template to AWS, which shows what changes and asks first, and release it.

    Raises
    ------
    NotThereError, DeploymentError, ReleaseRefusedError
        As of `deploy_locally`.
    """

    def find() -> Deployment:
        return Deployment.find(boto3.Session(), None, stack)

    for step in _steps("default", parameters, find, say):
        done = subprocess.run(_sam_deploy("default", stack, step), env=_environment({}, None), check=False)
        if done.returncode:
            raise DeploymentError("the template could not be deployed; sam says above why")
        release_deployed(find(), built_model=built_model, say=say)


def release_deployed(
    deployment: Deployment, *, built_model: bool = False, say: Callable[[str], None] = lambda _: None
) -> Version:
    """Make the code and the layers that were deployed live, with the model that is live; return the live version.

    Parameters
    ----------
    built_model : take the model that was built with the stack; that is also taken if none is live yet
    """
    releases = Releases(deployment, say)
    live = releases.live()
    layer = releases.version(live.version).model_layer if live else ""
    if built_model or not layer:
        layer = deployment.model_layer
    card, digest = releases.layers.card(layer)
    version, new = releases.release(layer, card, digest, "deployment")
    say(f"version {version.number} with model {card.name} {'is now' if new else 'stays'} live.")
    if layer != deployment.model_layer and releases.layers.card(deployment.model_layer)[1] != digest:
        say("the model that was built here is another one; make it live with: hundredfold model publish build/bundle")
    return version


def _steps(
    environment: str, parameters: Mapping[str, str], find: Callable[[], Deployment], say: Callable[[str], None]
) -> list[dict[str, str]]:
    """Return the parameters of each deployment that it takes: a stream needs the alias, which the first release makes.

    Parameters
    ----------
    find : finds what is deployed; raises NotThereError if nothing is
    """
    # What the command line has goes before what the file has.
    merged = {**_configured(environment), **parameters}
    if not merged.get(STREAM_PARAMETER):
        return [merged]
    try:
        live = Releases(find(), say).live()
    except NotThereError:
        live = None
    if live:
        return [merged]
    say("nothing is live yet, so it is deployed without the stream first, and then with it.")
    return [{name: value for name, value in merged.items() if name != STREAM_PARAMETER}, merged]


def _configured(environment: str) -> dict[str, str]:
    """Read the template's parameters that infra/samconfig.toml has for a target."""
    configured = tomllib.loads(SAM_CONFIG.read_text())[environment]["deploy"]["parameters"]
    return dict(word.partition("=")[::2] for word in configured.get("parameter_overrides", []))


def _sam_deploy(environment: str, stack: str, parameters: Mapping[str, str]) -> list[str]:
    if missing := [path.relative_to(ROOT) for path in (*BUILT, SAM) if not path.exists()]:
        raise NotThereError(f"{missing[0]} is not there yet; run make build")
    command = [
        *(str(SAM), "deploy", "--config-file", str(SAM_CONFIG), "--config-env", environment),
        *("--template-file", str(TEMPLATE), "--stack-name", stack),
    ]
    overrides = ["--parameter-overrides", *(f"{name}={_quoted(value)}" for name, value in parameters.items())]
    return [*command, *overrides] if parameters else command


def _quoted(value: str) -> str:
    """Quote a parameter's value as sam reads it, which may have spaces and quotes: a schedule, a source as JSON."""
    return '"' + value.replace('"', r"\"") + '"'


def _environment(target: Mapping[str, str], sam_folder: Path | None) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not (target and name.startswith("AWS_"))}
    folder = {"__SAM_CLI_APP_DIR": str(sam_folder)} if sam_folder else {}
    return {**inherited, **target, "SAM_CLI_TELEMETRY": "0", **folder}

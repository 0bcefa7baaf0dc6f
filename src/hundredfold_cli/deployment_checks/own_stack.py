"""A stack of the checks' own: deployed, removed, deployed again under the same name, and removed at the end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold_cli.deploy import deploy_locally, deploy_to_aws
from hundredfold_cli.deployment_checks.removal import take_away
from hundredfold_cli.deployment_checks.stage import Deployed, Stage
from hundredfold_cli.errors import NotThereError, OptionError
from hundredfold_cli.stack.checkout import BUILD, LOCAL, UP
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_stack import LocalStack
from hundredfold_cli.stack.parameters import differing_parameters
from hundredfold_cli.stack.target import Cloud, Target

SUFFIX = "-check"
OPENED = {"StartOnArrival": "yes"}
"""Parameters of the second deployment: the checks come through this door too."""

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the checks' own stack is deployed.

    Attributes
    ----------
    deploy : deploys the template with parameters, and releases it
    """

    session: boto3.Session
    endpoint: str | None
    stack: str
    deploy: Callable[[Mapping[str, str]], None]

    def find(self) -> Deployment:
        return Deployment.find(self.session, self.endpoint, self.stack)

    def status(self) -> str | None:
        """Return the stack's state; None if there is no stack."""
        try:
            stacks = self.session.client("cloudformation", endpoint_url=self.endpoint).describe_stacks(
                StackName=self.stack
            )["Stacks"]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return None
            raise
        return str(stacks[0]["StackStatus"])


def site_of(target: Target) -> Site:
    """Return where the checks of a target deploy their stack.

    Raises
    ------
    NotThereError
        If the local stack does not run.
    """
    name = target.stack + SUFFIX
    if target.cloud is Cloud.AWS:
        return Site(
            boto3.Session(), None, name, lambda more: deploy_to_aws(name, {**_built(), **more}, asks=False, say=_quiet)
        )
    process = LocalStack(LOCAL).running()
    if process is None:
        raise NotThereError(f"the local stack is not running; start it with {UP}, or use --target aws")
    variables = process.environment()
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )

    def deploy(parameters: Mapping[str, str]) -> None:
        deploy_locally(variables, LOCAL / "check-deploy.log", parameters, stack=name)

    return Site(session, process.endpoint, name, deploy)


@contextmanager
def own_stack(site: Site, folder: Path, say: Say, *, twice: bool) -> Iterator[Stage]:
    """Deploy a stack for the checks; it is removed at the end, also after Ctrl-C.

    Parameters
    ----------
    twice : whether it is first deployed with the template's defaults, and removed, as two of the checks want

    Raises
    ------
    OptionError
        If there is a stack of this name already. It is not touched.
    DeploymentError, ReleaseRefusedError
        If it cannot be deployed.
    """
    if site.status() is not None:
        raise OptionError(
            f"stack {site.stack} is there already, from a run of the checks that was killed; "
            f"remove it first, with: hundredfold --stack {site.stack} remove"
        )
    deployments: list[Deployed] = []
    try:
        if twice:
            say(f"deploying stack {site.stack} with the template's defaults ...")
            site.deploy({})
            deployments.append(Deployed(site.status() or "", tuple(differing_parameters(site.find()))))
            say("removing it, to deploy it again ...")
            take_away(site.session, site.endpoint, site.stack)
        say(f"deploying stack {site.stack} ...")
        site.deploy(OPENED)
        deployed = Deployed(site.status() or "", tuple(differing_parameters(site.find())), after_removal=twice)
        yield Stage(
            site.find(),
            folder,
            (*deployments, deployed),
            redeploy=lambda more: site.deploy({**OPENED, **more}),
            say=say,
        )
    finally:
        say(f"removing stack {site.stack} ...")
        take_away(site.session, site.endpoint, site.stack)


def _quiet(_: str) -> None:
    """Say nothing: parameters that are not defaults, and which model is live, are rows of the table."""


def _built() -> dict[str, str]:
    """Return the parameter for the architecture that the layers were built for, if it is not the default."""
    built = BUILD / "architecture"
    architecture = built.read_text().strip() if built.exists() else ""
    return {"Architecture": architecture} if architecture == "arm64" else {}

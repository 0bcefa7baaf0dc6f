"""A stack of the checks' own: deployed, removed, deployed again under the same name, and removed at the end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from hundredfold_cli.deploy import deploy_locally, deploy_to_aws
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.stage import Deployed, Stage
from hundredfold_cli.errors import NotThereError, OptionError
from hundredfold_cli.stack.checkout import BUILD, LOCAL, UP
from hundredfold_cli.stack.contents import StackContents
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_stack import LocalStack
from hundredfold_cli.stack.parameters import differing_parameters
from hundredfold_cli.stack.removal import remove, take_inventory
from hundredfold_cli.stack.target import Cloud, Target

SUFFIX = "-check"
OPENED = {"StartOnArrival": "yes"}
"""Parameters of the second deployment: the checks come through this door too."""
SETTLED_SECONDS = 1800
"""How long a deployment that was interrupted may go on before its stack can be removed."""

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
        """Return CloudFormation's status of the stack; None if there is none."""
        return StackContents(self.session, self.endpoint, self.stack).status()

    def remove(self) -> None:
        """Remove all of the stack, as `take_away` does."""
        take_away(StackContents(self.session, self.endpoint, self.stack))

    def deployed(self, *, after_removal: bool) -> Deployed:
        """Say how the last deployment has ended."""
        differing = tuple(differing_parameters(self.find()))
        return Deployed(self.status() or "", differing, after_removal=after_removal)


def site_of(target: Target) -> Site:
    """Return where the checks of a target deploy their stack.

    Raises
    ------
    NotThereError
        If the local stack does not run.
    """
    name = target.stack + SUFFIX
    if target.cloud is Cloud.AWS:

        def deploy_there(parameters: Mapping[str, str]) -> None:
            deploy_to_aws(name, {**_built(), **parameters}, asks=False, say=_quiet)

        return Site(boto3.Session(), None, name, deploy_there)
    process = LocalStack(LOCAL).running()
    if process is None:
        raise NotThereError(f"the local stack is not running; start it with {UP}, or use --target aws")
    variables = process.environment()

    def deploy_here(parameters: Mapping[str, str]) -> None:
        deploy_locally(variables, LOCAL / "check-deploy.log", parameters, stack=name)

    return Site(process.session(), process.endpoint, name, deploy_here)


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
            deployments.append(site.deployed(after_removal=False))
            say("removing it, to deploy it again ...")
            site.remove()
        say(f"deploying stack {site.stack} ...")
        site.deploy(OPENED)
        deployments.append(site.deployed(after_removal=twice))
        yield Stage(
            site.find(), folder, tuple(deployments), redeploy=lambda more: site.deploy({**OPENED, **more}), say=say
        )
    finally:
        say(f"removing stack {site.stack} ...")
        site.remove()


def take_away(contents: StackContents) -> None:
    """Remove all of a stack, once no deployment of it is going on. If there is nothing of it, do nothing.

    Raises
    ------
    DeploymentError
        If it cannot be removed; the message says what to do.
    """

    def settled() -> bool | None:
        status = contents.status() or ""
        return not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS" or None

    until(settled, SETTLED_SECONDS)
    try:
        inventory = take_inventory(contents)
    except NotThereError:
        return
    remove(contents, inventory, keep_data=False, say=_quiet)


def _quiet(_: str) -> None:
    """Say nothing: the rows of the table have what is of interest."""


def _built() -> dict[str, str]:
    """Return the parameter for the architecture that the layers were built for, if it is not the default."""
    built = BUILD / "architecture"
    architecture = built.read_text().strip() if built.exists() else ""
    return {"Architecture": architecture} if architecture == "arm64" else {}

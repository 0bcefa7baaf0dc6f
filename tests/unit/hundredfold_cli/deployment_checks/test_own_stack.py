"""The checks' own stack: deployed twice, and removed whatever happens."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import boto3
import pytest

from hundredfold_cli.deployment_checks.own_stack import OPENED, Site, own_stack, take_away
from hundredfold_cli.deployment_checks.stage import Deployed
from hundredfold_cli.errors import DeploymentError, NotThereError, OptionError
from hundredfold_cli.stack.contents import StackContents
from hundredfold_cli.stack.deployment import Deployment


class FakeSite(Site):
    """Keeps what is done in `steps`; a deployment with a parameter of `refused` fails."""

    def __init__(self, *, there: bool = False, refused: Mapping[str, str] | None = None) -> None:
        super().__init__(cast(boto3.Session, None), None, "hundredfold-check", self._deploy)
        object.__setattr__(self, "there", there)
        object.__setattr__(self, "refused", refused)
        object.__setattr__(self, "steps", [])

    there: bool
    refused: Mapping[str, str] | None
    steps: list[object]

    def _deploy(self, parameters: Mapping[str, str]) -> None:
        if parameters == self.refused:
            raise DeploymentError("the template could not be deployed")
        self.steps.append(dict(parameters))

    def find(self) -> Deployment:
        return cast(Deployment, None)

    def status(self) -> str | None:
        return "CREATE_COMPLETE" if self.there else None

    def remove(self) -> None:
        self.steps.append("removed")

    def deployed(self, *, after_removal: bool) -> Deployed:
        return Deployed("CREATE_COMPLETE", after_removal=after_removal)


def quiet(_: str) -> None:
    """Say nothing."""


def test_it_is_deployed_with_defaults_removed_deployed_again_and_removed(tmp_path: Path) -> None:
    site = FakeSite()

    with own_stack(site, tmp_path, quiet, twice=True) as stage:
        assert site.steps == [{}, "removed", OPENED]
        assert stage.deployments == (Deployed("CREATE_COMPLETE"), Deployed("CREATE_COMPLETE", after_removal=True))
        assert stage.is_own
        assert stage.redeploy
        stage.redeploy({"StreamArn": "arn:x"})

    assert site.steps[3:] == [{**OPENED, "StreamArn": "arn:x"}, "removed"]


def test_without_the_checks_of_deploying_it_is_deployed_once(tmp_path: Path) -> None:
    site = FakeSite()

    with own_stack(site, tmp_path, quiet, twice=False) as stage:
        assert stage.deployments == (Deployed("CREATE_COMPLETE"),)

    assert site.steps == [OPENED, "removed"]


@pytest.mark.parametrize("refused", [{}, OPENED])
def test_what_could_not_be_deployed_is_removed_too(refused: Mapping[str, str], tmp_path: Path) -> None:
    site = FakeSite(refused=refused)

    with pytest.raises(DeploymentError), own_stack(site, tmp_path, quiet, twice=True):
        pass

    assert site.steps[-1] == "removed"


def test_after_ctrl_c_it_is_removed_too(tmp_path: Path) -> None:
    site = FakeSite()

    with pytest.raises(KeyboardInterrupt), own_stack(site, tmp_path, quiet, twice=False):
        raise KeyboardInterrupt

    assert site.steps == [OPENED, "removed"]


def test_a_stack_that_was_there_is_not_touched(tmp_path: Path) -> None:
    site = FakeSite(there=True)

    with (
        pytest.raises(OptionError, match="remove it first, with: hundredfold --stack hundredfold-check remove"),
        own_stack(site, tmp_path, quiet, twice=True),
    ):
        pass

    assert site.steps == []


class SettlingContents(StackContents):
    """A stack that is still being made when it is looked at first, and of which nothing is left then."""

    def __init__(self) -> None:
        super().__init__(cast(boto3.Session, None), None, "hundredfold-check")
        self.statuses = ["CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", None]

    def status(self) -> str | None:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


def test_a_deployment_that_goes_on_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", quiet)
    inventoried: list[str] = []

    def nothing(contents: StackContents) -> None:
        inventoried.append(contents.stack)
        raise NotThereError("nothing is there")

    monkeypatch.setattr("hundredfold_cli.deployment_checks.own_stack.take_inventory", nothing)
    contents = SettlingContents()

    take_away(contents)

    assert inventoried == ["hundredfold-check"]
    assert contents.statuses == [None]

"""Releases that meet: one goes live, and the others are told by whom they were overtaken."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from hundredfold.errors import HundredfoldError
from hundredfold_cli import deploy
from hundredfold_cli.models.pruning import Pruner
from hundredfold_cli.models.release_lock import ReleaseLockedError
from hundredfold_cli.models.releases import ReleaseRefusedError, Releases
from tests.unit.answering_server import AnsweringServer
from tests.unit.hundredfold_cli.models.releasing import LAYER, World, card_of


@pytest.fixture
def world(aws: AnsweringServer) -> World:
    return World(aws)


STEPS = ["update", "publish", "invoke", "alias"]


@pytest.mark.parametrize("step", STEPS)
def test_a_publish_during_another_is_told_who_publishes_and_the_first_goes_live(world: World, step: str) -> None:
    told: list[HundredfoldError] = []

    def publish_other() -> None:
        with pytest.raises(ReleaseLockedError) as raised:
            world.publish("3", "bob")
        told.append(raised.value)

    world.lambda_.during[step] = publish_other
    number, is_new = world.publish("2", "alice")

    assert (world.live_model(), world.lambda_.alias["FunctionVersion"], is_new) == ("2", number, True)
    assert str(told[0]).startswith("alice on ")
    assert " has been publishing model model-2 since " in str(told[0])
    assert "so nothing was changed; try again when that has ended" in str(told[0])


@pytest.mark.parametrize(
    "other",
    [
        lambda releases: releases.roll_back("1", "bob"),
        lambda releases: Pruner(cast("Any", None), releases, cast("Any", None)).prune(1),
        lambda releases: releases.release(f"{LAYER}:3", *card_of("3"), "bob"),
    ],
    ids=["rollback", "prune", "release"],
)
def test_nothing_else_changes_what_is_live_during_a_publish(world: World, other: Callable[[Releases], Any]) -> None:
    def do_other() -> None:
        with pytest.raises(ReleaseLockedError):
            other(world.releases("bob"))

    world.lambda_.during["invoke"] = do_other
    world.publish("2", "alice")

    assert world.live_model() == "2"


def test_a_model_that_was_published_before_is_live_when_that_is_said(world: World) -> None:
    assert world.publish("1", "alice") == ("1", False)
    assert world.publish("2", "alice") == ("2", True)
    assert world.publish("1", "alice") == ("1", True)
    assert world.live_model() == "1"


@pytest.mark.parametrize("step", ["update", "publish"])
def test_a_function_that_was_changed_meanwhile_without_the_lock_is_not_published(world: World, step: str) -> None:
    def deploy_by_hand() -> None:
        world.lambda_.latest = world.lambda_._config("$LATEST", [f"{LAYER}:9"], {})

    world.lambda_.during[step] = deploy_by_hand
    with pytest.raises(ReleaseRefusedError, match="the function was changed meanwhile"):
        world.publish("2", "alice")

    assert world.live_model() == "1"
    assert world.layers.deleted == [f"{LAYER}:2"]


def test_an_alias_that_was_moved_meanwhile_without_the_lock_stays(world: World) -> None:
    def move_by_hand() -> None:
        world.lambda_.alias = {**world.lambda_.alias, "RevisionId": "moved"}

    world.lambda_.during["alias"] = move_by_hand
    with pytest.raises(ReleaseRefusedError, match="someone else has made another version live meanwhile"):
        world.publish("2", "alice")

    assert world.live_model() == "1"


def test_a_deployment_keeps_the_model_that_is_live_when_it_releases(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish_other() -> None:
        with pytest.raises(ReleaseLockedError, match=" has been releasing a deployment since "):
            world.publish("2", "bob")

    monkeypatch.setattr(deploy, "Releases", lambda *_: world.releases("alice"))
    world.layers.during_card = publish_other
    deploy.release_deployed(world.deployment())

    assert world.live_model() == "1"
    world.publish("2", "bob")
    deploy.release_deployed(world.deployment())
    assert world.live_model() == "2"

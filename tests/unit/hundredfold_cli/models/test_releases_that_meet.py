"""Releases that meet: one goes live, and the others are told by whom they were overtaken."""

import io
import itertools
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from hundredfold.errors import HundredfoldError
from hundredfold.model.card import Card, card_digest
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli import deploy
from hundredfold_cli.models.release_lock import ReleaseLockedError
from hundredfold_cli.models.releases import ReleaseRefusedError, Releases
from hundredfold_cli.stack.deployment import Deployment
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws_services import AwsServices

LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:model"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Lambda")


class Lambda:
    """One function of Lambda. Its updates are refused if they name another revision than it has.

    Attributes
    ----------
    during : called at the beginning of an operation, by its name
    """

    def __init__(self) -> None:
        self._revisions = map(str, itertools.count())
        self.latest = self._config("$LATEST", [f"{LAYER}:1"], {})
        self.versions: dict[str, dict[str, Any]] = {}
        self.alias: dict[str, Any] = {}
        self.during: dict[str, Callable[[], None]] = {}

    def _config(self, version: str, layers: list[str], variables: dict[str, str]) -> dict[str, Any]:
        return {
            "Version": version,
            "Layers": [{"Arn": layer} for layer in layers],
            "Environment": {"Variables": variables},
            "RevisionId": next(self._revisions),
        }

    def _begin(self, operation: str) -> None:
        self.during.pop(operation, lambda: None)()

    def get_alias(self, **_: Any) -> dict[str, Any]:
        if not self.alias:
            raise refused("ResourceNotFoundException")
        return self.alias

    def get_function_configuration(self, *, FunctionName: str, Qualifier: str = "") -> dict[str, Any]:  # noqa: N803
        if Qualifier and Qualifier not in self.versions:
            raise refused("ResourceNotFoundException")
        return self.versions[Qualifier] if Qualifier else self.latest

    def update_function_configuration(self, **request: Any) -> None:
        self._begin("update")
        self._check(request, self.latest)
        self.latest = self._config("$LATEST", request["Layers"], request["Environment"]["Variables"])

    def get_waiter(self, _: str) -> Any:
        class Waiter:
            def wait(self, **_: Any) -> None:
                pass

        return Waiter()

    def publish_version(self, **request: Any) -> dict[str, Any]:
        self._begin("publish")
        self._check(request, self.latest)
        number = str(len(self.versions) + 1)
        self.versions[number] = {**self.latest, "Version": number, "Description": request["Description"]}
        return self.versions[number]

    def invoke(self, *, Qualifier: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._begin("invoke")
        card = self.versions[Qualifier]["Environment"]["Variables"]["MODEL_CARD_SHA256"]
        return {"Payload": io.BytesIO(json.dumps({"card": card}).encode())}

    def create_alias(self, **request: Any) -> None:
        if self.alias:
            raise refused("ResourceConflictException")
        self.alias = {**request, "RevisionId": next(self._revisions)}

    def update_alias(self, **request: Any) -> None:
        self._begin("alias")
        self._check(request, self.alias)
        self.alias = {**request, "RevisionId": next(self._revisions)}

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:  # noqa: N803
        del self.versions[Qualifier]

    def get_paginator(self, _: str) -> Any:
        versions = list(self.versions.values())

        class Pages:
            def paginate(self, **_: Any) -> list[dict[str, Any]]:
                return [{"Versions": versions}]

        return Pages()

    def _check(self, request: dict[str, Any], current: dict[str, Any]) -> None:
        if request.get("RevisionId", current["RevisionId"]) != current["RevisionId"]:
            raise refused("PreconditionFailedException")


class Layers:
    """The model layer's versions: number n has the card of model n."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.during_card: Callable[[], None] = lambda: None

    def is_model(self, arn: str) -> bool:
        return arn.startswith(LAYER)

    def publish(self, archive: bytes, description: str) -> tuple[str, bool]:
        return f"{LAYER}:{archive.decode()}", True

    def card_content(self, arn: str) -> bytes:
        return card_of(arn.rpartition(":")[2])[0].to_json()

    def card(self, arn: str) -> tuple[Card, str]:
        during, self.during_card = self.during_card, lambda: None
        during()
        return card_of(arn.rpartition(":")[2])

    def delete(self, arn: str) -> None:
        self.deleted.append(arn)


def card_of(number: str) -> tuple[Card, str]:
    signature = Signature((Field("text", FieldType.TEXT),))
    card = Card(f"model-{number}", ("m",), signature, ("no", "yes"), versions={}, files={"m": ""})
    return card, card_digest(card.to_json())


class World:
    """A deployment with model 1 live, and commands that release to it."""

    def __init__(self, aws: AnsweringServer) -> None:
        self.lambda_ = Lambda()
        self.layers = Layers()
        self.services = AwsServices(aws)
        self.publish("1", "deployment")

    def deployment(self) -> Deployment:
        deployment = self.services.deployment()
        deployment.__dict__["lambda_"] = self.lambda_
        return deployment

    def releases(self, user: str) -> Releases:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HUNDREDFOLD_USER", user)
            releases = Releases(self.deployment())
        releases.layers = cast("Any", self.layers)
        return releases

    def publish(self, model: str, user: str) -> tuple[str, bool]:
        card, digest = card_of(model)
        version, is_new = self.releases(user).publish(model.encode(), card, digest)
        return version.number, is_new

    def live_model(self) -> str:
        version = self.lambda_.versions[self.lambda_.alias["FunctionVersion"]]
        [layer] = version["Layers"]
        assert version["Environment"]["Variables"]["MODEL_CARD_SHA256"] == card_of(layer["Arn"].rpartition(":")[2])[1]
        return str(layer["Arn"].rpartition(":")[2])


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
        lambda releases: releases.prune(1),
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

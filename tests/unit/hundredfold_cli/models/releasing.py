"""A deployment to release to: Lambda and the model layer's versions in memory, as strict about revisions as AWS is."""

import io
import itertools
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from hundredfold.model.card import Card, card_digest
from hundredfold.model.engine import COMPILED_FILE, Engine, EngineChoice
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws_services import LAYER as ANY_LAYER
from tests.unit.aws_services import AwsServices

LAYER = f"{ANY_LAYER}:model"


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


COMPILED = {"7": EngineChoice(Engine.COMPILED), "8": EngineChoice(Engine.COMPILED, numpy=True)}
"""The engines of the models that are compiled, by number."""


def card_of(number: str) -> tuple[Card, str]:
    signature = Signature((Field("text", FieldType.TEXT),))
    engine = COMPILED.get(number, EngineChoice())
    files = {"m": "", COMPILED_FILE: ""} if number in COMPILED else {"m": ""}
    card = Card(f"model-{number}", ("m",), signature, ("no", "yes"), versions={}, files=files, engine=engine)
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
        *_, layer = version["Layers"]
        assert version["Environment"]["Variables"]["MODEL_CARD_SHA256"] == card_of(layer["Arn"].rpartition(":")[2])[1]
        return str(layer["Arn"].rpartition(":")[2])

"""The signature of the live model, or why the records cannot be compared with it."""

import pytest

from hundredfold.keys import model_card_key
from hundredfold.model.card import Card
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.models.live_signature import live_signature
from tests.unit.answering_server import AnsweringServer, Reply, Request, json_reply
from tests.unit.aws_services import AwsServices

SIGNATURE = Signature((Field("text", FieldType.TEXT),))
CARD = Card("reviews", ("m.joblib",), SIGNATURE, ("bad", "good"), {}, {"m.joblib": "0" * 64})


class Services(AwsServices):
    """Services with version 3 of the inference function live, which was released with a card."""

    def __init__(self, server: AnsweringServer) -> None:
        super().__init__(server)
        self.alias = {"FunctionVersion": "3", "Description": ""}
        self.card = "c4"
        self.denied = False
        self.objects["work", model_card_key("c4")] = CARD.to_json()

    def _function(self, request: Request) -> Reply:
        if self.denied:
            return Reply(b"{}", 403, {"x-amzn-ErrorType": "AccessDeniedException"})
        if request.path.endswith("?Qualifier=3"):
            return json_reply({"Version": "3", "Environment": {"Variables": {"MODEL_CARD_SHA256": self.card}}})
        return super()._function(request)


@pytest.fixture
def services(aws: AnsweringServer) -> Services:
    return Services(aws)


def test_the_signature_of_the_live_model_is_that_of_its_card(services: Services) -> None:
    said: list[str] = []

    assert live_signature(services.deployment(), said.append) == SIGNATURE
    assert said == []


def test_if_nothing_is_live_the_planner_says_so(services: Services) -> None:
    services.alias = {}
    said: list[str] = []

    assert live_signature(services.deployment(), said.append) is None
    assert said == []


def test_why_a_card_cannot_be_read_is_said(services: Services) -> None:
    said: list[str] = []
    services.objects["work", model_card_key("c4")] = b"{}"
    assert live_signature(services.deployment(), said.append) is None
    services.card = ""
    assert live_signature(services.deployment(), said.append) is None
    services.denied = True
    assert live_signature(services.deployment(), said.append) is None

    assert "bundle.json cannot be read" in said[0]
    assert said[1].endswith("before they are scored: version 3 has no card")
    assert said[2].endswith("before they are scored: GetAlias was refused: AccessDeniedException")

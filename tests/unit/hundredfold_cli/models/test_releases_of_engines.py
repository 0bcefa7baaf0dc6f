"""Releases of both engines: a version has the layer of libraries that its model needs, and no other."""

from dataclasses import replace

import pytest

from hundredfold.model.engine import LibraryLayer
from hundredfold_cli.models.releases import ReleaseRefusedError
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws_services import LAYER as ANY_LAYER
from tests.unit.hundredfold_cli.models.releasing import LAYER, World, card_of

IN_SCIKIT_LEARN, COMPILED, WITH_NUMPY = "2", "7", "8"
CORE = f"{ANY_LAYER}:core:1"


@pytest.fixture
def world(aws: AnsweringServer) -> World:
    world = World(aws)
    world.lambda_.latest["Layers"].insert(1, {"Arn": CORE})
    world.publish("1", "deployment")
    return world


def layers_of(world: World, number: str) -> list[str]:
    return [layer["Arn"] for layer in world.lambda_.versions[number]["Layers"]]


@pytest.mark.parametrize(
    ("model", "library"),
    [
        (IN_SCIKIT_LEARN, LibraryLayer.DEPENDENCIES),
        (COMPILED, LibraryLayer.DECODER),
        (WITH_NUMPY, LibraryLayer.NUMPY),
    ],
)
def test_the_card_chooses_the_layer_of_libraries(world: World, model: str, library: LibraryLayer) -> None:
    number, _ = world.publish(model, "alice")

    assert layers_of(world, number) == [f"{ANY_LAYER}:{library}:1", CORE, f"{LAYER}:{model}"]
    assert world.releases("alice").version(number).as_dict(None)["library_layer"] == f"{ANY_LAYER}:{library}:1"


def test_rolling_back_from_one_engine_to_the_other_makes_the_same_version_live(world: World) -> None:
    in_scikit_learn, _ = world.publish(IN_SCIKIT_LEARN, "alice")
    compiled, _ = world.publish(COMPILED, "alice")

    back = world.releases("bob").roll_back(None, "bob")
    again = world.releases("bob").roll_back(compiled, "bob")

    assert (back.number, again.number) == (in_scikit_learn, compiled)
    assert world.lambda_.alias["FunctionVersion"] == compiled
    assert [layer["Arn"] for layer in world.lambda_.latest["Layers"]] == layers_of(world, compiled)
    assert world.publish(COMPILED, "alice") == (compiled, False)


def test_a_model_whose_libraries_were_deployed_anew_is_released_anew(world: World) -> None:
    old, _ = world.publish(IN_SCIKIT_LEARN, "alice")
    world.publish(COMPILED, "alice")
    releases = world.releases("bob")
    renewed = {**releases._deployment.library_layers, LibraryLayer.DEPENDENCIES: f"{ANY_LAYER}:dependencies:2"}
    releases._deployment = replace(releases._deployment, library_layers=renewed)
    releases._deployment.__dict__["lambda_"] = world.lambda_

    back = releases.roll_back(old, "bob")

    assert back.number != old
    assert layers_of(world, back.number) == [f"{ANY_LAYER}:dependencies:2", CORE, f"{LAYER}:{IN_SCIKIT_LEARN}"]


def test_a_model_that_fails_leaves_the_libraries_of_the_live_one(world: World) -> None:
    compiled, _ = world.publish(COMPILED, "alice")

    def load_another_card() -> None:
        newest = max(world.lambda_.versions, key=int)
        world.lambda_.versions[newest]["Environment"] = {"Variables": {"MODEL_CARD_SHA256": "of another card"}}

    world.lambda_.during["invoke"] = load_another_card
    with pytest.raises(ReleaseRefusedError, match=f"version {compiled} stays live"):
        world.publish(IN_SCIKIT_LEARN, "alice")

    assert [layer["Arn"] for layer in world.lambda_.latest["Layers"]] == layers_of(world, compiled)
    assert world.layers.deleted == [f"{LAYER}:2"]


def test_a_staged_version_answers_and_is_not_live(world: World) -> None:
    live, _ = world.publish(COMPILED, "alice")
    latest = world.lambda_.latest["Layers"]

    staged = world.releases("alice").stage(IN_SCIKIT_LEARN.encode(), *card_of(IN_SCIKIT_LEARN))

    assert layers_of(world, staged.number) == [f"{ANY_LAYER}:dependencies:1", CORE, f"{LAYER}:{IN_SCIKIT_LEARN}"]
    assert world.lambda_.alias["FunctionVersion"] == live
    assert world.lambda_.latest["Layers"] == latest
    again = world.releases("alice").stage(IN_SCIKIT_LEARN.encode(), *card_of(IN_SCIKIT_LEARN))
    assert again.number == staged.number

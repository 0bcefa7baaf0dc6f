"""Releasing the poisonous model as a version of the inference function, as a release of any model does."""

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib

from hundredfold.model.bundle import CARD, Card, versions_here
from hundredfold.model.engine import LibraryLayer
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.stack.checkout import ROOT
from tests.faults import poisonous
from tests.support.deployed import Stack

FUNCTION = "hundredfold-infer-batch"


def poison_layer(*, damaged: bool = False) -> bytes:
    """Make the model layer's zip: the package that every model layer has, the bundle, and the module of its model.

    `damaged` makes its file another one than its card describes.
    """
    saved = io.BytesIO()
    # Saved under the name that it has in the layer.
    sys.modules["poisonous"] = poisonous
    poisonous.PoisonousModel.__module__ = "poisonous"
    joblib.dump(poisonous.PoisonousModel(), saved)
    card = Card(
        name="poisonous",
        steps=("model.joblib",),
        signature=Signature((Field("text", FieldType.TEXT),)),
        classes=("negative", "positive"),
        versions=versions_here(),
        files={"model.joblib": hashlib.sha256(saved.getvalue()).hexdigest()},
    )
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        package = ROOT / "layers/model/hundredfold_model/__init__.py"
        archive.writestr("python/hundredfold_model/__init__.py", package.read_bytes())
        archive.writestr(f"python/hundredfold_model/bundle/{CARD}", card.to_json())
        archive.writestr("python/hundredfold_model/bundle/model.joblib", saved.getvalue() + b"damage" * damaged)
        archive.writestr("python/poisonous.py", Path(poisonous.__file__).read_bytes())
    return layer.getvalue()


@contextmanager
def released(stack: Stack, layer: bytes, *, timeout: int) -> Iterator[None]:
    """Let a version with this model layer be live while the context lasts; `timeout` in seconds is its Lambda's."""
    client: Any = stack.deployment.session.client("lambda", endpoint_url=stack.deployment.endpoint)
    before = client.get_function_configuration(FunctionName=FUNCTION)
    live = client.get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"]
    libraries = stack.deployment.library_layers
    # It is a model of scikit-learn's kind, whatever the live one is.
    others = [libraries[LibraryLayer.DEPENDENCIES]] + [
        item["Arn"]
        for item in before["Layers"]
        if ":hundredfold-model:" not in item["Arn"] and item["Arn"] not in libraries.values()
    ]
    poisoned = client.publish_layer_version(LayerName="hundredfold-poisonous-model", Content={"ZipFile": layer})
    try:
        client.update_function_configuration(
            FunctionName=FUNCTION,
            Layers=[*others, poisoned["LayerVersionArn"]],
            Timeout=timeout,
            Environment={"Variables": {**before["Environment"]["Variables"], "MODEL_CARD_SHA256": ""}},
        )
        version = client.publish_version(FunctionName=FUNCTION)["Version"]
        client.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=version)
        yield
    finally:
        client.update_function_configuration(
            FunctionName=FUNCTION,
            Layers=[item["Arn"] for item in before["Layers"]],
            Timeout=before["Timeout"],
            Environment=before["Environment"],
        )
        client.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=live)

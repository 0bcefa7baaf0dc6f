"""The layer that holds a model: building it from a bundle, publishing it, and reading a bundle back from it."""

import base64
import hashlib
import io
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import CARD, Card, card_digest
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.artefacts import run_builder
from hundredfold_cli.stack.deployment import Deployment

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

DIRECT_UPLOAD_BYTES = 50_000_000
"""The largest archive that Lambda takes without S3.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

UNZIPPED_BYTES = 262_144_000
"""The most that a function and its layers may have together, unzipped. Same page."""

RUNTIME: Final = "python3.13"
"""The runtime that the template gives to all functions. A test compares them."""

_BUNDLE = "python/hundredfold_model/bundle/"


def build_layer(bundle: Path, archive: Path) -> None:
    """Build the zip of a bundle's layer.

    Raises
    ------
    DeploymentError
        If it cannot be built; the message has what the builder printed.
    """
    run_builder("model", str(bundle), "--output", str(archive))


class ModelLayers:
    """The versions of a deployment's model layer."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._layer = deployment.model_layer.rpartition(":")[0]
        self._name = self._layer.rpartition(":")[2]
        self._archives: dict[str, bytes] = {}

    @property
    def _lambda(self) -> "LambdaClient":
        return self._deployment.lambda_

    def is_model(self, arn: str) -> bool:
        """Tell whether a layer version, by its ARN, is one of the model layer."""
        return arn.rpartition(":")[0] == self._layer

    def publish(self, archive: bytes, description: str) -> tuple[str, bool]:
        """Publish a layer version, unless there is one with the same content.

        Parameters
        ----------
        archive : the layer's zip
        description : of the version; it tells models apart

        Returns
        -------
        arn, is_new
            Of the layer version.
        """
        digest = base64.b64encode(hashlib.sha256(archive).digest()).decode()
        pages = self._lambda.get_paginator("list_layer_versions").paginate(LayerName=self._name)
        for version in (version for page in pages for version in page["LayerVersions"]):
            # Those with another description are of other models, but for the one that was built with the stack.
            if version.get("Description") == description or version["LayerVersionArn"] == self._deployment.model_layer:
                there = self._lambda.get_layer_version(LayerName=self._name, VersionNumber=version["Version"])
                if there["Content"].get("CodeSha256") == digest:
                    return version["LayerVersionArn"], False
        content: dict[str, object] = {"ZipFile": archive}
        if len(archive) > DIRECT_UPLOAD_BYTES:
            key = f"releases/{hashlib.sha256(archive).hexdigest()}.zip"
            self._deployment.work.write(key, archive)
            content = {"S3Bucket": self._deployment.work.bucket, "S3Key": key}
        published = self._lambda.publish_layer_version(
            LayerName=self._name,
            Description=description,
            Content=content,  # type: ignore[arg-type]
            CompatibleRuntimes=[RUNTIME],
        )
        return published["LayerVersionArn"], True

    def card(self, arn: str) -> tuple[Card, str]:
        """Return the card in a layer version, and the card's digest."""
        content = self.card_content(arn)
        return Card.from_json(content), card_digest(content)

    def card_content(self, arn: str) -> bytes:
        """Return the card in a layer version, in bytes.

        Raises
        ------
        NotThereError
            If there is no such layer version.
        BundleRefusedError
            If it has no card.
        """
        with zipfile.ZipFile(io.BytesIO(self._archive(arn))) as archive:
            try:
                return archive.read(_BUNDLE + CARD)
            except KeyError:
                raise BundleRefusedError(f"layer {arn} has no card") from None

    def unpack(self, arn: str, folder: Path) -> Path:
        """Write the bundle in a layer version into `folder`, and return the folder. No file of the model is opened."""
        with zipfile.ZipFile(io.BytesIO(self._archive(arn))) as archive:
            for name in archive.namelist():
                if name.startswith(_BUNDLE) and not name.endswith("/"):
                    file = folder / name.removeprefix(_BUNDLE)
                    file.parent.mkdir(parents=True, exist_ok=True)  # code is in a folder of its own
                    file.write_bytes(archive.read(name))
        return folder

    def delete(self, arn: str) -> None:
        """Delete a layer version. Functions that use it keep it."""
        self._lambda.delete_layer_version(LayerName=self._name, VersionNumber=int(arn.rpartition(":")[2]))

    def _archive(self, arn: str) -> bytes:
        if arn not in self._archives:
            try:
                location = self._lambda.get_layer_version_by_arn(Arn=arn)["Content"]["Location"]
            except ClientError as error:
                if error_code(error) in NOT_FOUND:
                    raise NotThereError(f"layer {arn} is not there any more") from None
                raise
            with urllib.request.urlopen(location, timeout=60) as answer:  # noqa: S310 - what Lambda names
                self._archives[arn] = answer.read()
        return self._archives[arn]


def layer_archive(bundle: Path) -> bytes:
    """Build a bundle's layer, and return its zip in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.zip"
        build_layer(bundle, archive)
        return archive.read_bytes()

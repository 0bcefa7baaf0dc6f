"""The versions of the model layer: publishing a bundle as one, and reading a bundle back out of one."""

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
"""The most that Lambda takes without S3. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

UNZIPPED_BYTES = 262_144_000
"""The most that Lambda takes of a function and its layers together, unzipped. Same page."""

RUNTIME: Final = "python3.13"
"""The runtime that the template gives to all functions. A test compares them."""

_BUNDLE = "python/hundredfold_model/bundle/"


def build_layer(bundle: Path, archive: Path) -> None:
    """Build the zip of a bundle's layer; raises DeploymentError if that fails."""
    run_builder("model", str(bundle), "--output", str(archive))


class ModelLayers:
    """The versions of one deployment's model layer."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._layer = deployment.model_layer.rpartition(":")[0]
        self._name = self._layer.rpartition(":")[2]
        self._archives: dict[str, bytes] = {}

    @property
    def _lambda(self) -> "LambdaClient":
        return self._deployment.lambda_

    def is_model(self, arn: str) -> bool:
        """Tell whether a layer version is one of the model layer's."""
        return arn.rpartition(":")[0] == self._layer

    def publish(self, archive: bytes, description: str) -> tuple[str, bool]:
        """Publish a layer version of these bytes, unless there is one already; return its ARN and whether it is new."""
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
        """Return the bytes of the card in a layer version; raises BundleRefusedError if it holds none."""
        with zipfile.ZipFile(io.BytesIO(self._archive(arn))) as archive:
            try:
                return archive.read(_BUNDLE + CARD)
            except KeyError:
                raise BundleRefusedError(f"layer {arn} holds no card") from None

    def unpack(self, arn: str, folder: Path) -> Path:
        """Write the bundle in a layer version into `folder`, unopened; return where it is."""
        with zipfile.ZipFile(io.BytesIO(self._archive(arn))) as archive:
            for name in archive.namelist():
                if name.startswith(_BUNDLE) and not name.endswith("/"):
                    (folder / Path(name).name).write_bytes(archive.read(name))
        return folder

    def delete(self, arn: str) -> None:
        """Delete a layer version. Functions that have it keep it."""
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
    """Return the bytes of a bundle's layer."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.zip"
        build_layer(bundle, archive)
        return archive.read_bytes()

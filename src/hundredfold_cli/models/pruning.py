"""Deleting what no release needs any more: old versions, versions of layers, and archives that were uploaded.

Nothing is deleted that a version which stays uses, nor what the deployed template names: CloudFormation needs that if
it takes an update back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.models.releases import Releases, Version
from hundredfold_cli.stack.contents import LayerVersion, StackContents
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.object_versions import ObjectVersion, delete_versions, object_versions

RELEASES = "releases/"
"""Where the work bucket has the archives of models that were too large for Lambda to take directly."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What can be deleted, and what cannot.

    Attributes
    ----------
    versions : of the inference function
    kept : the reason for each older version that stays, by its number
    layers : versions of the stack's layers that no version uses which stays
    archives : models in the work bucket, which Lambda has copied
    uploads : objects of sam's bucket that the deployed template does not name
    sam_bucket : the name of that bucket; empty if there is none
    """

    versions: tuple[Version, ...]
    kept: dict[str, str]
    layers: tuple[LayerVersion, ...]
    archives: tuple[ObjectVersion, ...]
    uploads: tuple[ObjectVersion, ...]
    sam_bucket: str

    @property
    def is_empty(self) -> bool:
        return not (self.versions or self.layers or self.archives or self.uploads)

    def lines(self) -> list[str]:
        """Say what will be deleted, for a person."""
        lines = [f"version {version.number} with model {version.model_name}" for version in self.versions]
        lines += [f"layer {layer.layer}, version {layer.number}" for layer in self.layers]
        for objects, where in ((self.archives, "in the work bucket"), (self.uploads, "in sam's bucket")):
            if objects:
                lines.append(f"{_count(objects)} {where}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Write it for a machine."""
        return {
            "deleted": [version.number for version in self.versions],
            "kept": self.kept,
            "layers": [layer.arn for layer in self.layers],
            "archives": [version.key for version in self.archives],
            "uploads": [version.key for version in self.uploads],
        }

    def agreed(self, shown: "Pruning") -> "Pruning":
        """Return what can be deleted now of what was shown to a person."""
        numbers = {version.number for version in shown.versions}
        return Pruning(
            tuple(version for version in self.versions if version.number in numbers),
            self.kept,
            tuple(layer for layer in self.layers if layer in shown.layers),
            tuple(version for version in self.archives if version in shown.archives),
            tuple(version for version in self.uploads if version in shown.uploads),
            self.sam_bucket,
        )


class Pruner:
    """Finds and deletes what no release of one deployment needs.

    Parameters
    ----------
    say : called with a message for a person, at each step
    """

    def __init__(
        self,
        deployment: Deployment,
        releases: Releases,
        contents: StackContents,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._deployment = deployment
        self._releases = releases
        self._contents = contents
        self._say = say

    def plan(self, keep: int) -> Pruning:
        """Return what `prune` would delete now.

        Parameters
        ----------
        keep : how many of the newest versions stay in any case

        Raises
        ------
        DeploymentError
            If the stack is being deployed. Then a layer or an upload may be about to be used.
        """
        status = self._contents.status() or ""
        if status.endswith("_IN_PROGRESS"):
            raise DeploymentError(f"stack {self._contents.stack} is {status}; prune when that has ended")
        versions, kept = self._releases.prunable(keep)
        template = self._contents.template_text()
        uploads = self._contents.uploads()
        return Pruning(
            tuple(versions),
            kept,
            self._unused_layers(versions),
            tuple(object_versions(self._contents.s3, self._deployment.work_bucket, RELEASES)),
            tuple(version for version in uploads.versions if version.key not in template) if uploads else (),
            uploads.bucket if uploads else "",
        )

    def prune(self, keep: int, shown: Pruning | None = None) -> Pruning:
        """Delete what no release needs, and return what was deleted.

        Parameters
        ----------
        keep : how many of the newest versions stay in any case
        shown : what a person has agreed to; nothing else is deleted. None agrees to all

        Raises
        ------
        ReleaseLockedError
            If another command is releasing. Then nothing has changed.
        DeploymentError
            As of `plan`.
        """
        with self._releases.locked("deleting old versions"):
            now = self.plan(keep)
            pruning = now.agreed(shown) if shown else now
            for version in pruning.versions:
                self._say(f"deleting version {version.number} ...")
                self._releases.delete(version)
            # A version that used a layer has been deleted by now. If this is interrupted, the layers are the rest.
            for layer in pruning.layers:
                self._say(f"deleting layer {layer.layer}, version {layer.number} ...")
                self._contents.lambda_.delete_layer_version(LayerName=layer.layer, VersionNumber=layer.number)
            delete_versions(self._contents.s3, self._deployment.work_bucket, pruning.archives)
            if pruning.uploads:
                self._say(f"deleting {_count(pruning.uploads)} in sam's bucket ...")
                delete_versions(self._contents.s3, pruning.sam_bucket, pruning.uploads)
        return pruning

    def _unused_layers(self, deleted: list[Version]) -> tuple[LayerVersion, ...]:
        """Return the layer versions that nothing uses once these versions are deleted."""
        infer = self._deployment.infer_function
        used = self._contents.layers_of_functions({(infer, version.number) for version in deleted})
        # What CloudFormation has is for taking an update back, and for a release of the model that was built.
        used |= {resource.physical_id for resource in self._contents.resources()}
        used.add(self._deployment.model_layer)
        return tuple(layer for layer in self._contents.layer_versions() if layer.arn not in used)


def _count(objects: tuple[ObjectVersion, ...]) -> str:
    return f"{len(objects):,} objects of {sum(version.size for version in objects) / 1e6:,.1f} MB"

"""Releases: published versions of the inference function, one of which is live.

CloudFormation deploys the function, and nobody invokes what it deployed: an ingest is pinned to a version, and the
planner takes the one that the alias `live` names. Versions and alias belong to this module alone. A release puts a
model's layer onto the function, publishes a version, lets that version predict the sample on the model's card, and
only then moves the alias.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.errors import HundredfoldError
from hundredfold.keys import model_card_key
from hundredfold.model.card import Card
from hundredfold.model.smoke import differences
from hundredfold.settings import MODEL_CARD_VARIABLE
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.models.layers import UNZIPPED_BYTES, ModelLayers
from hundredfold_cli.stack.deployment import Deployment

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

ALIAS = "live"
HISTORY = 20
"""How many versions that were live before the alias remembers; its description takes 256 characters."""

_LATEST = "$LATEST"
_PARTS = ("CodeSha256", "Runtime", "Handler", "Timeout", "MemorySize", "Architectures", "Role", "LoggingConfig")
_SNAP_START = "SnapStart"


class ReleaseRefusedError(HundredfoldError):
    """A release did not come about; the live model is what it was."""


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of the inference function.

    Attributes
    ----------
    layers : ARNs of its layers, in order; `model_layer` is the model's
    card : the digest of its model's card; empty if it was published by hand
    parts : all that makes it differ from another version, but the model
    """

    number: str
    description: str
    published: str
    layers: tuple[str, ...]
    model_layer: str
    card: str
    parts: Mapping[str, Any] = field(repr=False)

    def told(self) -> tuple[str, str, str]:
        """Return what its description tells: the model's name, the beginning of its card's digest, and by whom."""
        name, _, rest = self.description.partition("; card ")
        card, _, by = rest.partition("; ")
        return name, card or self.card[:12], by


@dataclass(frozen=True, slots=True)
class Live:
    """What the alias says: the version that is live, and those that were before, the latest first."""

    version: str
    before: tuple[str, ...]
    revision: str


class Releases:
    """The versions of one deployment's inference function.

    Parameters
    ----------
    say : told what is being done, for a person
    """

    def __init__(self, deployment: Deployment, say: Callable[[str], None] = lambda _: None) -> None:
        self._deployment = deployment
        self._function = deployment.infer_function
        self._say = say
        self.layers = ModelLayers(deployment)

    @property
    def _lambda(self) -> "LambdaClient":
        return self._deployment.lambda_

    # ------------------------------------------------------------ looking

    def live(self) -> Live | None:
        """Return what is live, or None if nothing was ever released."""
        try:
            alias = self._lambda.get_alias(FunctionName=self._function, Name=ALIAS)
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise
        before = re.findall(r"\d+", alias.get("Description", ""))
        return Live(alias["FunctionVersion"], tuple(before), alias.get("RevisionId", ""))

    def versions(self) -> list[Version]:
        """Return all published versions, the newest first."""
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self._function)
        found = [config for page in pages for config in page["Versions"] if config["Version"] != _LATEST]
        return sorted(map(self._version, found), key=lambda version: -int(version.number))

    def version(self, number: str) -> Version:
        """Return one version; raises NotThereError, naming those there are, if there is none of this number."""
        if number.isdecimal():
            try:
                return self._version(
                    self._lambda.get_function_configuration(FunctionName=self._function, Qualifier=number)
                )
            except ClientError as error:
                if error_code(error) not in NOT_FOUND:
                    raise
        there = ", ".join(version.number for version in self.versions()) or "none"
        raise NotThereError(f"there is no version {number} of the model; there are: {there}")

    def in_use(self) -> dict[str, list[str]]:
        """Return the versions that running ingests are pinned to, each with those ingests."""
        used: dict[str, list[str]] = {}
        pages = self._deployment.step_functions.get_paginator("list_executions").paginate(
            stateMachineArn=self._deployment.state_machine, statusFilter="RUNNING"
        )
        for page in pages:
            for execution in page["executions"]:
                entered = self._deployment.ledger.ingest(execution["name"])
                # One that is not planned yet takes what is live, or took what was live a moment ago.
                versions = [entered["plan"]["model"]["version"]] if entered else self._latest_live()
                for version in versions:
                    used.setdefault(version, []).append(execution["name"])
        return used

    # ------------------------------------------------------------ releasing

    def release(self, model_layer: str, card: Card, digest: str, by: str) -> tuple[Version, bool]:
        """Make the function as it is deployed, with a model's layer, live; return its version, and whether that is new.

        Raises
        ------
        ReleaseRefusedError
            If the version does not answer to the card's sample as it must. The live version stays what it is, and
            what was published is removed again.
        """
        live = self.live()
        before = self.version(live.version) if live else None
        self._keep_card(model_layer, digest)
        latest = self._put_on_latest(model_layer, digest)
        if before and _same(before, latest):
            return before, False
        there = {version.number: version for version in self.versions()}
        published = next((version for version in there.values() if _same(version, latest)), None)
        if published is None:
            self._say(f"publishing a version with model {card.name} ...")
            published = self._publish(f"{card.name[:80]}; card {digest[:12]}; {by}"[:256])
        try:
            self.smoke(published.number, card, digest)
        except ReleaseRefusedError as refused:
            if published.number not in there:
                self._lambda.delete_function(FunctionName=self._function, Qualifier=published.number)
            if before:
                self._put_on_latest(before.model_layer, before.card)
            stays = f"version {live.version} stays live" if live else "nothing is live"
            message = f"version {published.number} failed its smoke test, so {stays}: {refused}"
            raise ReleaseRefusedError(message) from None
        self.point_to(published.number, live)
        return published, True

    def roll_back(self, number: str | None, by: str) -> Version:
        """Make an earlier model live again: that of version `number`, or the one that was live before.

        A version that differs from the live one in its model only is taken as it is. Any other was published with
        other code or dependencies, which a roll-back of the model must not bring back: its model is released anew.

        Raises
        ------
        NotThereError
            If there is no such version, or none was live before.
        ReleaseRefusedError
            As of `release`.
        """
        live = self.live()
        if live is None:
            raise NotThereError("nothing is live yet; release a model with: hundredfold model publish BUNDLE")
        target = self.version(number) if number else self._before(live)
        if target.number == live.version:
            raise ReleaseRefusedError(f"version {target.number} is live already")
        if target.parts == self.version(live.version).parts:
            self.point_to(target.number, live, back=number is None)
            self._put_on_latest(target.model_layer, target.card)
            return target
        self._say(
            f"version {target.number} has other code or dependencies than the live one: its model is released anew"
        )
        card, digest = self.layers.card(target.model_layer)
        return self.release(target.model_layer, card, digest, by)[0]

    def smoke(self, number: str, card: Card, digest: str) -> None:
        """Let a version predict the sample on its card; raises ReleaseRefusedError, saying why, if it does not."""
        self._say(f"version {number} predicts the sample on its card ...")
        answer = self._lambda.invoke(
            FunctionName=self._function, Qualifier=number, Payload=json.dumps({"action": "smoke_test"}).encode()
        )
        told = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError") or not isinstance(told, dict):
            message = told.get("errorMessage") if isinstance(told, dict) else told
            raise ReleaseRefusedError(str(message or answer.get("FunctionError")))
        if wrong := differences(card, digest, told):
            raise ReleaseRefusedError("; ".join(wrong[:3]))

    def point_to(self, number: str, live: Live | None, *, back: bool = False) -> None:
        """Move the alias.

        Parameters
        ----------
        live : what it said when the release began; refused if someone else has moved it since
        back : it goes back along its history, and does not lengthen it
        """
        if live is None:
            self._lambda.create_alias(FunctionName=self._function, Name=ALIAS, FunctionVersion=number)
            return
        if back:
            history = live.before[live.before.index(number) + 1 :]
        else:
            history = (live.version, *(one for one in live.before if one != live.version))[:HISTORY]
        try:
            self._lambda.update_alias(
                FunctionName=self._function,
                Name=ALIAS,
                FunctionVersion=number,
                Description="live before: " + " ".join(history) if history else "",
                RevisionId=live.revision,
            )
        except ClientError as error:
            if error_code(error) != "PreconditionFailedException":
                raise
            raise ReleaseRefusedError(
                f"someone else has made another version live meanwhile, so version {number} is not; "
                "look at it with: hundredfold model list"
            ) from None

    # ------------------------------------------------------------ removing

    def prune(self, keep: int) -> tuple[list[Version], dict[str, str]]:
        """Delete all versions but the newest `keep`, and the model layers that no version has then.

        Returns
        -------
        deleted, kept
            The versions that were deleted, and older ones that were not, each with why.
        """
        live = self.live()
        used = self.in_use()
        kept: dict[str, str] = {}
        deleted: list[Version] = []
        versions = self.versions()
        for version in versions[keep:]:
            if live and version.number == live.version:
                kept[version.number] = "it is live"
            elif version.number in used:
                kept[version.number] = f"ingest {used[version.number][0]} is running on it"
            else:
                self._lambda.delete_function(FunctionName=self._function, Qualifier=version.number)
                deleted.append(version)
        gone = {version.number for version in deleted}
        left = {version.model_layer for version in versions if version.number not in gone}
        for layer in {version.model_layer for version in deleted} - left - {self._deployment.model_layer, ""}:
            self.layers.delete(layer)
        return deleted, kept

    # ------------------------------------------------------------ parts

    def _latest_live(self) -> list[str]:
        live = self.live()
        return [live.version, *live.before[:1]] if live else []

    def _before(self, live: Live) -> Version:
        there = {version.number: version for version in self.versions()}
        for number in live.before:
            if number in there:
                return there[number]
        raise NotThereError(
            f"no model was live before version {live.version}; name a version of hundredfold model list"
        )

    def _version(self, config: Mapping[str, Any]) -> Version:
        layers = tuple(layer["Arn"] for layer in config.get("Layers", []))
        variables = dict(config.get("Environment", {}).get("Variables", {}))
        card = variables.pop(MODEL_CARD_VARIABLE, "")
        model_layer = next((arn for arn in layers if self.layers.is_model(arn)), "")
        others = [arn for arn in layers if arn != model_layer]
        snap_start = config.get(_SNAP_START, {}).get("ApplyOn", "None")
        parts = {**{name: config.get(name) for name in _PARTS}, "layers": others, "variables": variables}
        return Version(
            config["Version"],
            config.get("Description", ""),
            config.get("LastModified", ""),
            layers,
            model_layer,
            card,
            {**parts, _SNAP_START: snap_start},
        )

    def _put_on_latest(self, model_layer: str, digest: str) -> Version:
        config = self._lambda.get_function_configuration(FunctionName=self._function)
        latest = self._version(config)
        if (latest.model_layer, latest.card) == (model_layer, digest):
            return latest
        layers = [arn for arn in latest.layers if arn != latest.model_layer]
        variables = dict(config.get("Environment", {}).get("Variables", {}))
        try:
            self._lambda.update_function_configuration(
                FunctionName=self._function,
                Layers=[*layers, model_layer],
                Environment={"Variables": {**variables, MODEL_CARD_VARIABLE: digest}},
            )
            self._lambda.get_waiter("function_updated_v2").wait(
                FunctionName=self._function, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )
        except ClientError as error:
            if error_code(error) != "InvalidParameterValueException":
                raise
            raise ReleaseRefusedError(
                f"Lambda refused the model's layer, and nothing has changed: {error.response['Error']['Message']}; "
                f"together, layers may have {UNZIPPED_BYTES:,} bytes unzipped (make layers shows them)"
            ) from None
        return self._version(self._lambda.get_function_configuration(FunctionName=self._function))

    def _keep_card(self, model_layer: str, digest: str) -> None:
        """Keep the model's card where the planner finds it: it puts the card beside each ingest that it plans."""
        self._deployment.work.write(model_card_key(digest), self.layers.card_content(model_layer))

    def _publish(self, description: str) -> Version:
        published = self._lambda.publish_version(FunctionName=self._function, Description=description)
        number = published["Version"]
        deadline = time.monotonic() + 600  # a snapshot for SnapStart takes minutes
        while published.get("State") == "Pending" and time.monotonic() < deadline:
            time.sleep(0.5)
            published = self._lambda.get_function_configuration(FunctionName=self._function, Qualifier=number)
        return self._version(published)


def _same(one: Version, other: Version) -> bool:
    return (one.parts, one.model_layer, one.card) == (other.parts, other.model_layer, other.card)

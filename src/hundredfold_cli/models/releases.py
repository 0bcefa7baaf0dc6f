"""Releases: published versions of the inference function, one of which is live.

The alias `live` names the version that new ingests are pinned to. CloudFormation deploys the function, and leaves its
versions and this alias alone: they belong to this module.

A release puts a model's layer onto the function, and the layer of libraries that the model needs. It publishes a
version and lets that predict the sample on the model's card. Only then does it move the alias.

Whatever changes a version or the alias has the lock of releases (`ReleaseLock`). It also names the revision of the
function or of the alias that it means to change, so that Lambda refuses it if someone without the lock was in between.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.errors import HundredfoldError
from hundredfold.keys import model_card_key
from hundredfold.model.card import Card
from hundredfold.model.smoke import differences
from hundredfold.settings import MODEL_CARD_VARIABLE
from hundredfold_cli.account import user_and_host
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.models.layers import UNZIPPED_BYTES, ModelLayers
from hundredfold_cli.models.release_lock import ReleaseLock
from hundredfold_cli.models.versions_in_use import running_versions, unfinished_versions
from hundredfold_cli.stack.checkout import DEPLOY_FIRST
from hundredfold_cli.stack.deployment import Deployment

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

ALIAS = "live"
HISTORY = 20
"""How many versions that were live before the alias keeps in its description, which takes 256 characters."""

_LATEST = "$LATEST"
_SETTINGS = ("CodeSha256", "Runtime", "Handler", "Timeout", "MemorySize", "Architectures", "Role", "LoggingConfig")


class ReleaseRefusedError(HundredfoldError):
    """A release failed; what was live before is still live."""


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of the inference function.

    Attributes
    ----------
    layers : ARNs of its layers, in order
    model_layer : the one that holds the model; empty if none does
    library_layer : the one with the libraries that the model needs; empty if none of the deployment's is there
    card : the digest of its model's card; empty if it was published by hand
    settings : everything else that a version fixes: code, other layers, variables, memory and so on
    revision : of the function's configuration; it changes with every update
    """

    number: str
    description: str
    published: str
    layers: tuple[str, ...]
    model_layer: str
    library_layer: str
    card: str
    settings: Mapping[str, Any] = field(repr=False)
    revision: str = field(repr=False, default="")

    @property
    def model_name(self) -> str:
        return self.description.partition("; card ")[0]

    @property
    def short_card(self) -> str:
        """The first characters of the digest of its model's card."""
        return self.description.partition("; card ")[2].partition("; ")[0] or self.card[:12]

    @property
    def published_by(self) -> str:
        return self.description.partition("; card ")[2].partition("; ")[2]

    def as_dict(self, live: "Live | None") -> dict[str, Any]:
        """Write it for a machine; `live` is what is live now."""
        return {
            "version": self.number,
            "live": bool(live and live.version == self.number),
            "model": self.model_name,
            "card_sha256": self.card,
            "published": self.published,
            "by": self.published_by,
            "layers": list(self.layers),
            "model_layer": self.model_layer,
            "library_layer": self.library_layer,
        }


@dataclass(frozen=True, slots=True)
class Live:
    """What the alias `live` says.

    Attributes
    ----------
    version : the number of the version that is live
    before : the versions that were live before, the latest first
    revision : of the alias; it changes with every move
    """

    version: str
    before: tuple[str, ...]
    revision: str


class Releases:
    """The versions of one deployment's inference function.

    Parameters
    ----------
    say : called with a message for a person, at each step
    """

    def __init__(self, deployment: Deployment, say: Callable[[str], None] = lambda _: None) -> None:
        self._deployment = deployment
        self._function = deployment.infer_function
        self._say = say
        self._lock = ReleaseLock(deployment.dynamodb, deployment.ledger_table, user_and_host())
        self.layers = ModelLayers(deployment)

    def locked(self, doing: str) -> AbstractContextManager[None]:
        """Have the lock during several steps; raises ReleaseLockedError as `release` does.

        Parameters
        ----------
        doing : what the command does, for others who want to release
        """
        return self._lock.held(doing)

    @property
    def _lambda(self) -> "LambdaClient":
        return self._deployment.lambda_

    def live(self) -> Live | None:
        """Return what is live; None if nothing was released yet."""
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
        configs = [config for page in pages for config in page["Versions"] if config["Version"] != _LATEST]
        return sorted(map(self._version, configs), key=lambda version: -int(version.number))

    def version(self, number: str) -> Version:
        """Return the version of this number.

        Raises
        ------
        NotThereError
            If there is none; the message names those there are.
        """
        if number.isdecimal():
            try:
                return self._version(
                    self._lambda.get_function_configuration(FunctionName=self._function, Qualifier=number)
                )
            except ClientError as error:
                if error_code(error) not in NOT_FOUND:
                    raise
        numbers = ", ".join(version.number for version in self.versions()) or "none"
        raise NotThereError(f"there is no version {number} of the model; there are: {numbers}")

    def require_live(self) -> Live:
        """Return what is live.

        Raises
        ------
        NotThereError
            If nothing was released yet.
        """
        live = self.live()
        if live is None:
            raise NotThereError(f"nothing is live yet; deploy first: {DEPLOY_FIRST}")
        return live

    def running(self) -> dict[str, list[str]]:
        """Return the versions that running executions use, or may use, each with the names of those executions."""
        live = self.live()
        return running_versions(self._deployment, (live.version, *live.before) if live else ())

    def in_use(self) -> dict[str, str]:
        """Return the versions that an unfinished ingest is pinned to, or may be about to, each with the reason.

        It reads the whole ledger.
        """
        used: dict[str, str] = {}
        running = {version: f"execution {names[0]} is running on it" for version, names in self.running().items()}
        for version, ingest_ids in unfinished_versions(self._deployment).items():
            used[version] = f"ingest {ingest_ids[0]} is not finished; resume it, also with --model live"
        # An execution that started meanwhile was in the ledger too late, or is not there yet.
        started = {version: f"execution {names[0]} is running on it" for version, names in self.running().items()}
        return {**used, **running, **started}

    def release(self, model_layer: str, card: Card, digest: str, by: str) -> tuple[Version, bool]:
        """Make the deployed function live, with a model's layer.

        Parameters
        ----------
        model_layer : the ARN of the layer's version
        card, digest : the model's card, and its digest
        by : who releases it

        Returns
        -------
        version, is_new
            The live version, and whether it was not live before.

        Raises
        ------
        ReleaseRefusedError
            If the version does not predict the card's sample as the card says. What was live stays live, and what was
            published is removed again.
        ReleaseLockedError
            If another command is releasing. Then nothing has changed.
        """
        with self._lock.held(f"releasing model {card.name}"):
            return self._release(model_layer, card, digest, by)

    def _release(self, model_layer: str, card: Card, digest: str, by: str) -> tuple[Version, bool]:
        live = self.live()
        before = self.version(live.version) if live else None
        self._keep_card(model_layer, digest)
        latest = self._put_on_latest(model_layer, self._library_layer(card), digest)
        if before and _same(before, latest):
            return before, False
        published = self._ready(latest, card, digest, by, before)
        self.point_to(published.number, live)
        return published, True

    def _ready(self, latest: Version, card: Card, digest: str, by: str, before: Version | None) -> Version:
        """Publish what is on `$LATEST`, unless a version is the same, and let it predict.

        Parameters
        ----------
        before : what is live. It is put on `$LATEST` again if the version fails
        """
        versions = {version.number: version for version in self.versions()}
        published = next((version for version in versions.values() if _same(version, latest)), None)
        if published is None:
            self._say(f"publishing a version with model {card.name} ...")
            published = self._publish(f"{card.name[:80]}; card {digest[:12]}; {by}"[:256], latest.revision)
        try:
            self.smoke(published.number, card, digest)
        except ReleaseRefusedError as refused:
            if published.number not in versions:
                self._lambda.delete_function(FunctionName=self._function, Qualifier=published.number)
            if before:
                self._put_on_latest(before.model_layer, before.library_layer, before.card)
            still_live = f"version {before.number} stays live" if before else "nothing is live"
            raise ReleaseRefusedError(
                f"version {published.number} failed its smoke test, so {still_live}: {refused}"
            ) from None
        return published

    def publish(self, archive: bytes, card: Card, digest: str) -> tuple[Version, bool]:
        """Publish a model's layer, and release it.

        Parameters
        ----------
        archive : the layer's zip
        card, digest : the model's card, and its digest

        Returns
        -------
        version, is_new
            As of `release`.

        Raises
        ------
        ReleaseRefusedError, ReleaseLockedError
            As of `release`. Then the layer is removed again.
        """
        with self._lock.held(f"publishing model {card.name}"), self._new_layer(archive, card, digest) as layer:
            return self.release(layer, card, digest, card.made.get("by", "unknown"))

    def stage(self, archive: bytes, card: Card, digest: str) -> Version:
        """Publish a version with a model beside the live one, and leave what is live as it is.

        The parameters and errors are those of `publish`. It raises NotThereError if nothing is live.
        """
        with self._lock.held(f"publishing model {card.name}"), self._new_layer(archive, card, digest) as layer:
            before = self.version(self.require_live().version)
            self._keep_card(layer, digest)
            latest = self._put_on_latest(layer, self._library_layer(card), digest)
            try:
                return self._ready(latest, card, digest, card.made.get("by", "unknown"), before)
            finally:
                self._put_on_latest(before.model_layer, before.library_layer, before.card)

    @contextmanager
    def _new_layer(self, archive: bytes, card: Card, digest: str) -> Iterator[str]:
        """Publish a model's layer. It is removed again if the block fails, unless it was there before."""
        layer, layer_is_new = self.layers.publish(archive, f"{card.name[:80]}; card {digest}")
        try:
            yield layer
        except BaseException:
            if layer_is_new:
                self.layers.delete(layer)
            raise

    def _library_layer(self, card: Card) -> str:
        return self._deployment.library_layers[card.engine.layer]

    def roll_back(self, number: str | None, by: str) -> Version:
        """Make an earlier model live again, and return the version that is live then.

        A version that differs from the live one in its model and its engine only goes live as it is. Any other version
        has other code or libraries, which a roll-back of the model must not bring back. So its model is released anew.

        Parameters
        ----------
        number : of the version; None for the one that was live before
        by : who takes it back

        Raises
        ------
        NotThereError
            If there is no such version, or none was live before.
        ReleaseRefusedError, ReleaseLockedError
            As of `release`.
        """
        with self._lock.held(f"going back to version {number or 'of before'}"):
            return self._roll_back(number, by)

    def _roll_back(self, number: str | None, by: str) -> Version:
        live = self.require_live()
        target = self.version(number) if number else self._before(live)
        if target.number == live.version:
            raise ReleaseRefusedError(f"version {target.number} is live already")
        current = target.library_layer in self._deployment.library_layers.values()
        if current and target.settings == self.version(live.version).settings:
            self.point_to(target.number, live, back=number is None)
            self._put_on_latest(target.model_layer, target.library_layer, target.card)
            return target
        self._say(f"version {target.number} has other code or libraries than the live one: its model is released anew")
        card, digest = self.layers.card(target.model_layer)
        return self.release(target.model_layer, card, digest, by)[0]

    def smoke(self, number: str, card: Card, digest: str) -> None:
        """Let a version predict the sample on its card.

        Raises
        ------
        ReleaseRefusedError
            If it fails, or answers something else than the card says; the message says what.
        """
        made_up = "records that were made up, because its card has no sample" if card.sample.get("made_up") else ""
        self._say(f"version {number} predicts {made_up or 'the sample on its card'} ...")
        self._lock.renew()
        answer = self._lambda.invoke(
            FunctionName=self._function, Qualifier=number, Payload=json.dumps({"action": "smoke_test"}).encode()
        )
        result = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError") or not isinstance(result, dict):
            message = result.get("errorMessage") if isinstance(result, dict) else result
            raise ReleaseRefusedError(str(message or answer.get("FunctionError")))
        if wrong := differences(card, digest, result):
            raise ReleaseRefusedError("; ".join(wrong[:3]))

    def point_to(self, number: str, live: Live | None, *, back: bool = False) -> None:
        """Make a version live.

        Parameters
        ----------
        number : of the version
        live : what was live when the release began
        back : take the version from the history of the alias, and do not lengthen the history

        Raises
        ------
        ReleaseRefusedError
            If someone else has made another version live since.
        """
        self._lock.renew()
        overtaken = ReleaseRefusedError(
            f"someone else has made another version live meanwhile, so version {number} is not live; "
            "list the versions with: hundredfold model list"
        )
        if live is None:
            with _refused("ResourceConflictException", overtaken):
                self._lambda.create_alias(FunctionName=self._function, Name=ALIAS, FunctionVersion=number)
            return
        if back:
            history = live.before[live.before.index(number) + 1 :]
        else:
            others = (earlier for earlier in live.before if earlier not in {live.version, number})
            history = (live.version, *others)[:HISTORY]
        with _refused("PreconditionFailedException", overtaken):
            self._lambda.update_alias(
                FunctionName=self._function,
                Name=ALIAS,
                FunctionVersion=number,
                Description="live before: " + " ".join(history) if history else "",
                RevisionId=live.revision,
            )

    def prunable(self, keep: int) -> tuple[list[Version], dict[str, str]]:
        """Return the versions that nothing needs, beside the newest `keep`.

        Returns
        -------
        prunable, kept
            The versions that can be deleted; and for each older version that cannot, by number, the reason.
        """
        live = self.live()
        used = self.in_use()
        kept: dict[str, str] = {}
        prunable: list[Version] = []
        for version in self.versions()[keep:]:
            if live and version.number == live.version:
                kept[version.number] = "it is live"
            elif version.number in used:
                kept[version.number] = used[version.number]
            else:
                prunable.append(version)
        return prunable, kept

    def delete(self, version: Version) -> None:
        """Delete a version; the caller has the lock. Its layers stay."""
        self._lock.renew()
        self._lambda.delete_function(FunctionName=self._function, Qualifier=version.number)

    def _before(self, live: Live) -> Version:
        versions = {version.number: version for version in self.versions()}
        for number in live.before:
            if number in versions:
                return versions[number]
        raise NotThereError(
            f"no model was live before version {live.version}; name one of the versions that hundredfold model list has"
        )

    def _version(self, config: Mapping[str, Any]) -> Version:
        layers = tuple(layer["Arn"] for layer in config.get("Layers", []))
        variables = dict(config.get("Environment", {}).get("Variables", {}))
        card = variables.pop(MODEL_CARD_VARIABLE, "")
        model_layer = next((arn for arn in layers if self.layers.is_model(arn)), "")
        library_layer = next((arn for arn in layers if self._is_library(arn)), "")
        return Version(
            number=config["Version"],
            description=config.get("Description", ""),
            published=config.get("LastModified", ""),
            layers=layers,
            model_layer=model_layer,
            library_layer=library_layer,
            card=card,
            settings={
                **{name: config.get(name) for name in _SETTINGS},
                "layers": [arn for arn in layers if arn not in {model_layer, library_layer}],
                "variables": variables,
                "SnapStart": config.get("SnapStart", {}).get("ApplyOn", "None"),
                "Tracing": config.get("TracingConfig", {}).get("Mode", "PassThrough"),
            },
            revision=config.get("RevisionId", ""),
        )

    def _is_library(self, arn: str) -> bool:
        """Tell whether a layer version is one of libraries: of this deployment, or of an earlier one of the stack."""
        layer = arn.rpartition(":")[0]
        return any(library.rpartition(":")[0] == layer for library in self._deployment.library_layers.values())

    def _put_on_latest(self, model_layer: str, library_layer: str, digest: str) -> Version:
        config = self._lambda.get_function_configuration(FunctionName=self._function)
        latest = self._version(config)
        if (latest.model_layer, latest.library_layer, latest.card) == (model_layer, library_layer, digest):
            return latest
        others = [arn for arn in latest.layers if arn not in {latest.model_layer, latest.library_layer}]
        variables = dict(config.get("Environment", {}).get("Variables", {}))
        self._lock.renew()
        try:
            with _refused("PreconditionFailedException", _changed()):
                self._lambda.update_function_configuration(
                    FunctionName=self._function,
                    Layers=[arn for arn in (library_layer, *others, model_layer) if arn],
                    Environment={"Variables": {**variables, MODEL_CARD_VARIABLE: digest}},
                    RevisionId=latest.revision,
                )
            self._lambda.get_waiter("function_updated_v2").wait(
                FunctionName=self._function, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )
        except ClientError as error:
            if error_code(error) != "InvalidParameterValueException":
                raise
            raise ReleaseRefusedError(
                f"Lambda refused the model's layer, and nothing has changed: {error.response['Error']['Message']}; "
                f"all layers together may have {UNZIPPED_BYTES:,} bytes unzipped (make layers shows them)"
            ) from None
        return self._version(self._lambda.get_function_configuration(FunctionName=self._function))

    def _keep_card(self, model_layer: str, digest: str) -> None:
        """Store the model's card where the planner finds it. The planner copies it beside each ingest."""
        self._deployment.work.write(model_card_key(digest), self.layers.card_content(model_layer))

    def _publish(self, description: str, revision: str) -> Version:
        """Publish what is on `$LATEST` as a version, if it still has this revision."""
        with _refused("PreconditionFailedException", _changed()):
            published = self._lambda.publish_version(
                FunctionName=self._function, Description=description, RevisionId=revision
            )
        number = published["Version"]
        deadline = time.monotonic() + 600  # a snapshot for SnapStart takes minutes
        while published.get("State") == "Pending" and time.monotonic() < deadline:
            time.sleep(0.5)
            self._lock.renew()
            published = self._lambda.get_function_configuration(FunctionName=self._function, Qualifier=number)
        return self._version(published)


def _changed() -> ReleaseRefusedError:
    return ReleaseRefusedError(
        "the function was changed meanwhile, by a deployment or by hand, so nothing new is live; try again"
    )


@contextmanager
def _refused(code: str, refusal: ReleaseRefusedError) -> Iterator[None]:
    """Raise a refusal in place of Lambda's error of this code."""
    try:
        yield
    except ClientError as error:
        if error_code(error) != code:
            raise
        raise refusal from None


def _same(first: Version, second: Version) -> bool:
    """Tell whether two versions do the same: all but their numbers and descriptions is equal."""

    def content(version: Version) -> tuple[object, ...]:
        return version.settings, version.model_layer, version.library_layer, version.card

    return content(first) == content(second)

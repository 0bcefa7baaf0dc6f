"""What the checks have in common: the deployed stack, and the ingests that several of them look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from hundredfold.model.card import Card
from hundredfold_cli.deployment_checks import faulty_model
from hundredfold_cli.deployment_checks.faulty_bundle import make_faulty_bundle
from hundredfold_cli.deployment_checks.ingests import EndedIngest, await_end, start_objects, start_records
from hundredfold_cli.deployment_checks.row import CannotAskError
from hundredfold_cli.ingests.executions import find_execution
from hundredfold_cli.models.layers import layer_archive
from hundredfold_cli.models.packaging import read_bundle
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.local_metrics import is_local
from hundredfold_cli.stack.parameters import differing_parameters

FIRST_RECORDS, FIRST_RECORDS_LOCAL = 2_500, 250
"""Of the first ingest: a whole group of 25 batches. The local stack has no throttles to show."""
WARM_RECORDS = 300
HARMLESS = 22
"""Batches beside the three harmful ones on AWS. Together they are one group."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a deployment of the checks' own stack ended.

    Attributes
    ----------
    differing : the parameters that are not the template's defaults
    after_removal : whether a stack of this name was removed before
    """

    status: str
    differing: tuple[str, ...] = ()
    after_removal: bool = False


@dataclass
class Stage:
    """A deployed stack, and what the checks do with it.

    Attributes
    ----------
    folder : for temporary files
    deployments : those of the checks' own stack; none if it is somebody's stack
    redeploy : deploys the checks' own stack with more parameters; None if it is somebody's stack
    say : tells a person what is being done
    """

    deployment: Deployment
    folder: Path
    deployments: tuple[Deployed, ...] = ()
    redeploy: Callable[[Mapping[str, str]], None] | None = None
    say: Callable[[str], None] = lambda _: None
    ingests: list[EndedIngest] = field(default_factory=list)

    @property
    def is_own(self) -> bool:
        """Whether the stack is the checks' own."""
        return self.redeploy is not None

    @cached_property
    def on_aws(self) -> bool:
        return not is_local(self.deployment.step_functions.meta.endpoint_url)

    @cached_property
    def first(self) -> EndedIngest:
        """The first ingest, with the model that is live."""
        number = FIRST_RECORDS if self.on_aws else FIRST_RECORDS_LOCAL
        self.say(f"an ingest of {number:,} records with the live model ...")
        return self._live_ingest(number, "first")

    @cached_property
    def warm(self) -> EndedIngest:
        """An ingest of a few batches, whose environments are there from the first ingest."""
        self.first  # noqa: B018 - it starts the environments
        return self._live_ingest(WARM_RECORDS, "warm")

    @cached_property
    def faulty_version(self) -> str:
        """The version with the model of the checks, which is live from then on."""
        self.warm  # noqa: B018 - with the model of before
        self.say("releasing the model of the checks, which harms its process where a record asks for it ...")
        bundle = make_faulty_bundle(self.folder)
        card, digest = read_bundle(bundle)
        version, _ = Releases(self.deployment).publish(layer_archive(bundle), card, digest)
        return version.number

    @cached_property
    def faults(self) -> EndedIngest:
        """An ingest with a batch for each record. Some batches harm their process; the local stack kills one only."""
        self.faulty_version  # noqa: B018 - it must be live
        harmful = [faulty_model.KILL, *((faulty_model.FILL, faulty_model.SLEEP) if self.on_aws else ())]
        harmless = HARMLESS if self.on_aws else 2
        self.say(f"an ingest of {harmless} harmless batches and {len(harmful)} that harm their process ...")
        texts = [*(f"harmless {number}" for number in range(harmless)), *harmful]
        records = [{"id": f"fault-{number}", "text": text} for number, text in enumerate(texts)]
        return self.ended(start_objects(self.deployment, records, "faults"))

    @cached_property
    def starts_on_arrival(self) -> bool:
        """Whether the stack starts an ingest for each object that arrives."""
        value, _ = differing_parameters(self.deployment).get("StartOnArrival", ("no", "no"))
        return value == "yes"

    def one_record(self) -> list[dict[str, Any]]:
        """Return one record that the live model takes."""
        return [{"id": "check-one", **self._live_sample()[0]}]

    def input_of(self, execution: str) -> str:
        """Return the input of an execution; empty if there is none of the name."""
        description = find_execution(self.deployment, execution)
        return str(description["input"]) if description else ""

    def ended(self, ingest_id: str, redrives: int = 0) -> EndedIngest:
        """Wait until an ingest of the checks has ended, and keep it for the reckoning."""
        ingest = await_end(self.deployment, ingest_id, redrives=redrives)
        self.ingests = [*(known for known in self.ingests if known.ingest_id != ingest_id), ingest]
        return ingest

    def _live_ingest(self, number: int, name: str) -> EndedIngest:
        sample = self._live_sample()
        records = [{"id": f"check-{n:05d}", **values} for n, values in enumerate(islice(cycle(sample), number))]
        return self.ended(start_records(self.deployment, records, self.folder, name))

    @cached_property
    def live_card(self) -> Card:
        """The card of the model that was live at first."""
        releases = Releases(self.deployment)
        return releases.layers.card(releases.version(releases.require_live().version).model_layer)[0]

    def _live_sample(self) -> list[dict[str, Any]]:
        sample = self.live_card.sample
        if not sample:
            raise CannotAskError("the live model has no sample on its card; package it with --sample")
        return list(sample["records"])

"""The operator: runs our commands against the simulated world, at the times of a scenario."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import HundredfoldError
from hundredfold.ingest import Resume as ResumeRequest
from hundredfold_cli.ingests.read_request import STANDARD_INPUT, read_request
from hundredfold_cli.ingests.resume import start_resume
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.start import check_new, start_ingest
from hundredfold_cli.models.releases import Releases
from hundredfold_cli.stack.deployment import Deployment
from tests.simulation.model import SimulatedModel
from tests.simulation.scenario import Action, Redrive, Release, Replace, Resume, Scenario, Start, Stop
from tests.simulation.scheduler import KilledError, Process
from tests.simulation.world import SOURCE_BUCKET, World

_ON_PURPOSE = (HundredfoldError, ClientError, BotoCoreError, KeyboardInterrupt, KilledError)
"""What may end a command. Anything else is a bug."""


@dataclass(eq=False)
class Operator:
    """Runs commands. Each is a process of its own, with clients of its own.

    Attributes
    ----------
    problems : commands that ended with an error that is not raised on purpose
    started : ids of ingests that a command may have started
    """

    world: World
    scenario: Scenario
    problems: list[str] = field(default_factory=list)
    started: dict[str, int] = field(default_factory=dict)

    def schedule(self) -> None:
        """Let all actions of the scenario begin at their times."""
        for action in self.scenario.actions:
            interrupted = action.interrupted_after if isinstance(action, Start | Resume) else None
            self.begin(str(action).partition(": ")[2], partial(self._do, action), action.at, interrupted)
            if isinstance(action, Replace):
                restore = self.restore_sources
                self.begin("restore sources", restore, action.at + action.seconds)

    def begin(self, name: str, work: Callable[[], None], delay: float = 0.0, interrupted: float | None = None) -> None:
        """Run a command after so many seconds, as a process; perhaps with Ctrl-C after some more."""
        scheduler = self.world.scheduler
        offset = self.scenario.settings.skew * (0.5 if len(name) % 2 else -0.5)
        process = Process(name, "operator", clock_offset=offset)

        def command() -> None:
            self.world.timeline.add(name, "begins")
            try:
                work()
            except _ON_PURPOSE as error:
                self.world.timeline.add(name, f"ends: {type(error).__name__}: {error}")
            except Exception as error:  # noqa: BLE001, RUF100 - whatever it is, it is a bug
                self.problems.append(f"{name} raised {type(error).__name__}: {error}")
                raise
            else:
                self.world.timeline.add(name, "ends")

        task = scheduler.spawn(name, command, process, delay)
        if interrupted is not None:
            scheduler.spawn(
                f"Ctrl-C of {name}",
                lambda: scheduler.interrupt(task, KeyboardInterrupt()),
                Process("keyboard", "keyboard"),
                delay + interrupted,
            )

    def start(self, ingest_id: str, source: int, *, uploads: bool, reclaim: bool = False) -> None:
        """Do what `hundredfold ingest` does."""
        deployment = self._deployment()
        self.started.setdefault(ingest_id, source)
        source_name = STANDARD_INPUT if uploads else f"s3://{SOURCE_BUCKET}/{source_key(source)}"
        request = read_request(source_name, SourceOptions(), io.BytesIO(b"".join(self.scenario.sources[source])))
        check_new(deployment, ingest_id)
        request.check(deployment)
        start_ingest(deployment, request, ingest_id, lambda _: None, reclaim=reclaim)

    def resume(self, ingest_id: str, model: str | None = None, *, rejected: bool = False, force: bool = False) -> None:
        """Do what `hundredfold resume --detach` does."""
        start_resume(self._deployment(), ResumeRequest(ingest_id, model, rejected, force=force))

    def place_sources(self) -> None:
        """Put the sources into S3, as they are before the ingests start."""
        for number, lines in enumerate(self.scenario.sources):
            self.world.s3.put(SOURCE_BUCKET, source_key(number), b"".join(lines))

    def restore_sources(self) -> None:
        """Put back sources that were replaced."""
        self.place_sources()

    def _deployment(self) -> Deployment:
        return self.world.deployment(self.scenario.settings)

    def _do(self, action: Action) -> None:
        match action:
            case Start():
                self.start(action.ingest_id, action.source, uploads=action.uploads)
            case Resume():
                self.resume(action.ingest_id, action.model, rejected=action.rejected)
            case Stop():
                self._stop(action.ingest_id)
            case Redrive():
                deployment = self._deployment()
                deployment.step_functions.redrive_execution(executionArn=deployment.execution(action.ingest_id))
            case Release():
                self._release(back=action.back)
            case Replace():
                lines = self.scenario.sources[action.source]
                self.world.s3.put(SOURCE_BUCKET, source_key(action.source), b"".join(lines).replace(b"text ", b"next "))

    def _stop(self, ingest_id: str) -> None:
        deployment = self._deployment()
        running = deployment.step_functions.list_executions(
            stateMachineArn=deployment.state_machine, statusFilter="RUNNING"
        )["executions"]
        for execution in running:
            if execution["name"] == ingest_id or execution["name"].startswith(f"{ingest_id}.resume-"):
                deployment.step_functions.stop_execution(executionArn=deployment.execution(execution["name"]))

    def _release(self, *, back: bool) -> None:
        releases = Releases(self._deployment())
        models = self.world.models
        _serve_cards(releases, models)
        if back:
            releases.roll_back(None, "operator")
            return
        model = SimulatedModel(len(models) + 1)
        arn = self.world.publish_layer(model)
        releases.release(arn, model.card, model.digest, "operator")


def source_key(number: int) -> str:
    """Return the key of a source that is in S3 before its ingest starts."""
    return f"incoming/source-{number}.jsonl"


def _serve_cards(releases: Releases, models: dict[int, SimulatedModel]) -> None:
    """Let the layers' archives be read from here: they are downloads, and no calls of a client."""

    def content(arn: str) -> bytes:
        return models[int(arn.rpartition(":")[2])].content

    layers: Any = releases.layers
    layers.card_content = content

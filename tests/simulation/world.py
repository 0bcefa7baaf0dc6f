"""The world of a simulation: the services with what is deployed, and the clock that they share."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, cast

from hundredfold.model.engine import LibraryLayer
from hundredfold_cli.stack.deployment import Deployment
from tests.simulation import substitutes
from tests.simulation.faults import Injector
from tests.simulation.model import SimulatedBundle, SimulatedModel
from tests.simulation.pool import TaskPool, wait_for
from tests.simulation.scenario import Scenario, Settings
from tests.simulation.scheduler import EPOCH, Scheduler
from tests.simulation.services.calls import Calls
from tests.simulation.services.dynamodb import DynamoDB, DynamoDBClient, Table
from tests.simulation.services.events import Events, EventsClient
from tests.simulation.services.lambda_ import ACCOUNT, LATEST, Function, Lambda, LambdaClient
from tests.simulation.services.s3 import S3, S3Client, utc
from tests.simulation.services.states import Interpreter, check_simulated
from tests.simulation.services.step_functions import StepFunctions, StepFunctionsClient
from tests.simulation.timeline import Timeline
from tools.workflow.definition import DEFINITION, render

MACHINE: Final = "arn:aws:states:us-east-1:000000000000:stateMachine:hundredfold-batch-inference"
LAYER: Final = f"{ACCOUNT}:layer:model"
SOURCE_BUCKET, WORK_BUCKET = "source", "work"
LEDGER, PREDICTIONS = "ledger", "predictions"
INFER: Final = "hundredfold-infer-batch"
LIBRARY_LAYERS: Final = {layer: f"{ACCOUNT}:layer:{layer}:1" for layer in LibraryLayer}
CORE_LAYERS: Final = ({"Arn": f"{ACCOUNT}:layer:core:1"},)
# As in infra/template.yaml; a test compares them.
TIMEOUTS: Final = {"plan_ingest": 900.0, "infer_batch": 20.0, "summarize_ingest": 900.0}


@dataclass(eq=False)
class World:
    """Everything outside of our code.

    Attributes
    ----------
    counted : what the functions have sent as metrics, by name
    models : that were packaged, by number
    """

    scheduler: Scheduler
    injector: Injector
    timeline: Timeline
    dynamodb: DynamoDB
    s3: S3
    lambda_: Lambda
    events: Events
    step_functions: StepFunctions
    calls: Calls
    counted: dict[str, float]
    models: dict[int, SimulatedModel]

    def client(self, service: str) -> Any:
        """Return what boto3 gives as a client of a service."""
        match service:
            case "s3":
                return S3Client(self.s3, self.calls)
            case "dynamodb":
                return DynamoDBClient(self.dynamodb, self.calls)
            case "lambda":
                return LambdaClient(self.lambda_, self.calls)
            case "stepfunctions":
                return StepFunctionsClient(self.step_functions, self.calls)
            case "events":
                return EventsClient(self.events, self.calls)
            case _:
                raise NotImplementedError(f"{service} is not simulated")

    def deployment(self, settings: Settings) -> Deployment:
        """Return the deployment as the command finds it, with clients of its own."""
        session = SimpleNamespace(client=lambda service, **_: self.client(service), region_name="us-east-1")
        return Deployment(
            session=cast("Any", session),
            endpoint=None,
            state_machine=MACHINE,
            source_bucket=SOURCE_BUCKET,
            work_bucket=WORK_BUCKET,
            predictions_table=PREDICTIONS,
            ledger_table=LEDGER,
            infer_function=INFER,
            model_layer=f"{LAYER}:1",
            library_layers=LIBRARY_LAYERS,
            layout=settings.layout,
        )

    def publish_layer(self, model: SimulatedModel) -> str:
        """Publish a model as a layer version, as packaging does. Return its ARN."""
        arn = f"{LAYER}:{model.number}"
        self.lambda_.layers[arn] = model
        self.models[model.number] = model
        return arn


@cache
def _definition(substitutions: tuple[tuple[str, str], ...], text: str) -> Mapping[str, Any]:
    definition = render(dict(substitutions), text)
    check_simulated(definition)
    return definition


def make_world(scenario: Scenario, *, keeps_timeline: bool = False, definition: str | None = None) -> World:
    """Deploy the stack into a new world, with a first model that is live.

    Parameters
    ----------
    definition : the text of the state machine's definition; the deployed one if there is none
    """
    settings = scenario.settings
    chances = {name: random.Random(f"{name} {scenario.seed}") for name in ("order", "calls", "faults", "world", "code")}
    scheduler = Scheduler(chances["order"])
    injector = Injector(scenario.faults, chances["faults"])
    timeline = Timeline(scheduler, keeps_timeline)
    calls = Calls(scheduler, injector, chances["calls"], timeline)
    dynamodb = DynamoDB(
        now=lambda: scheduler.now,
        leaves=lambda: scheduler.current is not None and injector.leaves(scheduler.now),
        staleness=lambda: chances["world"].uniform(0.0, 1.0) if scheduler.current else 0.0,
        page_items=settings.page_items,
        tables={
            LEDGER: Table(LEDGER, ("ledger_key", "entry")),
            PREDICTIONS: Table(PREDICTIONS, ("record_id", "ingest_id")),
        },
    )
    s3 = S3(now=lambda: utc(scheduler.now + EPOCH), page_keys=3, buckets={SOURCE_BUCKET: {}, WORK_BUCKET: {}})
    lambda_ = Lambda(scheduler, chances["world"], timeline)
    lambda_.skew = settings.skew
    interpreter = Interpreter(scheduler, injector, chances["world"], timeline, lambda_, dynamodb, s3)
    text = DEFINITION.read_text() if definition is None else definition
    substitutions = {
        "Partition": "aws",
        "PlanIngestFunction": f"{ACCOUNT}:function:hundredfold-plan-ingest",
        "SummarizeIngestFunction": f"{ACCOUNT}:function:hundredfold-summarize-ingest",
        "LedgerTable": LEDGER,
        "GroupsAtOnce": str(settings.groups_at_once),
        "GroupBatchesAtOnce": "40",
        "PartitionsAtOnce": "8",
        "ToleratedFailureCount": str(settings.tolerated_groups),
        "ChildExecutionType": "EXPRESS",
    }
    step_functions = StepFunctions(MACHINE, _definition(tuple(substitutions.items()), text), interpreter)
    step_functions.visible_after = lambda: chances["world"].choice([0.0, 0.0, 0.5])
    counted: dict[str, float] = {}
    world = World(*(scheduler, injector, timeline, dynamodb, s3, lambda_, Events(), step_functions, calls, counted, {}))
    _deploy(world, settings)
    _substitute(world, chances["code"])
    return world


def _deploy(world: World, settings: Settings) -> None:
    """Make the functions, with the variables that the template gives them, and a live model."""
    shared = {
        "WORK_BUCKET": WORK_BUCKET,
        "LEDGER_TABLE": LEDGER,
        "PREDICTIONS_TABLE": PREDICTIONS,
        "BATCH_RECORDS": str(settings.batch_records),
        "BATCH_BYTES": "100000",
        "RECORD_BYTES": "10000",
    }
    own = {
        "plan_ingest": {
            "LIVE_ALIAS": f"{ACCOUNT}:function:{INFER}:live",
            "GROUP_BATCHES": str(settings.group_batches),
            "PARTITION_BYTES": str(settings.partition_bytes),
            "PREDICTIONS_LAYOUT": settings.layout.value,
        },
        "infer_batch": {},
        "summarize_ingest": {"EVENT_BUS": "default", "TOLERATED_FAILURE_PERCENTAGE": "0"},
    }
    roles = {"plan_ingest": "plan", "infer_batch": "infer", "summarize_ingest": "summarize"}
    for handler, role in roles.items():
        name = f"hundredfold-{handler.replace('_', '-')}"
        configuration = {
            "Version": LATEST,
            "Layers": list(CORE_LAYERS),
            "Environment": {"Variables": {**shared, **own[handler]}},
            "RevisionId": "r0",
        }
        world.lambda_.functions[name] = Function(name, role, handler, TIMEOUTS[handler], {LATEST: configuration})
    model = SimulatedModel(1)
    arn = world.publish_layer(model)
    infer = world.lambda_.functions[INFER]
    latest = infer.configurations[LATEST]
    libraries = {"Arn": LIBRARY_LAYERS[model.card.engine.layer]}
    latest["Layers"] = [libraries, *CORE_LAYERS, {"Arn": arn}]
    latest["Environment"]["Variables"]["MODEL_CARD_SHA256"] = model.digest
    infer.configurations["1"] = {
        **latest,
        "Version": "1",
        "Description": f"{model.card.name}; card {model.digest[:12]}; simulation",
        "FunctionArn": f"{infer.arn}:1",
    }
    infer.next_version = 2
    infer.aliases["live"] = {"FunctionVersion": "1", "Description": "", "RevisionId": "r0"}
    world.s3.put(WORK_BUCKET, f"models/{model.digest}.json", model.content)


def _substitute(world: World, chance: random.Random) -> None:
    """Let our code take time, chance, clients and models from this world."""
    scheduler, current = world.scheduler, substitutes.current

    def now() -> float:
        offset = scheduler.current.process.clock_offset if scheduler.current else 0.0
        return EPOCH + scheduler.now + offset

    def crash() -> None:
        assert scheduler.current is not None
        scheduler.kill(scheduler.current.process)

    def bundle() -> Any:
        model = world.lambda_.starting_model()
        return lambda _digest: SimulatedBundle(model, crash)

    def count(name: str, value: float) -> None:
        world.counted[name] = world.counted.get(name, 0.0) + value

    current.now = now
    current.elapsed = lambda: scheduler.now
    current.sleep = scheduler.sleep
    current.chance = chance
    current.client = world.client
    current.pool = lambda: cast("Any", TaskPool(scheduler))
    current.wait = lambda submitted: wait_for(scheduler, submitted)
    current.bundle = bundle
    current.count = count

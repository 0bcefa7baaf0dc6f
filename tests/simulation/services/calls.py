"""How a call of a client travels to a service and back, and what can happen to it on the way."""

import random
from collections.abc import Callable
from typing import Final

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.faults import Injector, Kind
from tests.simulation.scheduler import Scheduler
from tests.simulation.timeline import Timeline

READ_TIMEOUT_SECONDS: Final = 5.0
"""How long `hundredfold.aws.clients` lets a client wait for an answer."""
ATTEMPTS: Final = 3
"""How often it lets botocore try."""

_THROTTLED: Final = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "s3": ("SlowDown", 503),
    "lambda": ("TooManyRequestsException", 429),
    "stepfunctions": ("ThrottlingException", 400),
    "events": ("ThrottlingException", 400),
}
_BROKEN: Final = {
    "dynamodb": ("InternalServerError", 500),
    "s3": ("InternalError", 500),
    "lambda": ("ServiceException", 500),
    "stepfunctions": ("InternalFailure", 500),
    "events": ("InternalFailure", 500),
}
_RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_RETRIED_CODES: Final = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException"})


def refusal(code: str, operation: str, status: int = 400) -> ClientError:
    """Return the error that botocore raises for a refusal of a service."""
    return ClientError(
        {"Error": {"Code": code, "Message": "simulated"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


class Calls:
    """Carries calls of clients to services. One place decides what goes wrong, and how long it takes.

    A service applies a call at one moment between the request and its answer. botocore's standard retries are part of
    this: a throttled or broken call is tried three times.
    """

    def __init__(self, scheduler: Scheduler, injector: Injector, chance: random.Random, timeline: Timeline) -> None:
        self._scheduler = scheduler
        self._injector = injector
        self._chance = chance
        self._timeline = timeline

    def call[T](self, service: str, operation: str, apply: Callable[[], T], about: object = "") -> T:
        """Make a call.

        Parameters
        ----------
        apply : does in the service what the call is for; it raises ClientError for a refusal
        about : what the timeline says of it
        """
        if self._scheduler.current is None:
            return apply()  # outside of tasks nothing goes wrong
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(service, operation, apply, about)
            except (ClientError, EndpointConnectionError, ReadTimeoutError) as error:
                if attempt == ATTEMPTS or not _is_retried(error):
                    raise
            # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html: full jitter, factor 2
            self._scheduler.sleep(self._chance.uniform(0, 2 ** (attempt - 1)))
        raise AssertionError  # pragma: no cover

    def _attempt[T](self, service: str, operation: str, apply: Callable[[], T], about: object) -> T:
        task = self._scheduler.current
        assert task is not None
        process = task.process
        kind = self._injector.of_call(process.role, service, self._scheduler.now)
        note = self._timeline.add if self._timeline.kept else None
        if kind is None:
            self._scheduler.sleep(self._latency())
            result = apply()
            if note:
                note(process.name, f"{operation} {about}")
            self._scheduler.sleep(self._latency())
            return result
        if note:
            note(process.name, f"{operation} {about}: {kind.upper()}")
        self._scheduler.sleep(self._chance.uniform(2.0, 4.5) if kind is Kind.SLOW else self._latency())
        match kind:
            case Kind.THROTTLED:
                raise refusal(_THROTTLED[service][0], operation, _THROTTLED[service][1])
            case Kind.BROKEN:
                raise refusal(_BROKEN[service][0], operation, _BROKEN[service][1])
            case Kind.UNREACHED:
                raise EndpointConnectionError(endpoint_url=f"https://{service}")
            case Kind.KILLED_BEFORE:
                self._scheduler.kill(process)
        result = apply()
        match kind:
            case Kind.KILLED_AFTER:
                self._scheduler.kill(process)
            case Kind.UNANSWERED:
                self._scheduler.sleep(READ_TIMEOUT_SECONDS)
                raise ReadTimeoutError(endpoint_url=f"https://{service}")
        return result

    def _latency(self) -> float:
        """Return how long one way takes: mostly some milliseconds, and now and then half a second."""
        chance = self._chance.random()
        return 0.002 + 0.02 * chance if chance < 0.98 else 0.5 * chance


def _is_retried(error: ClientError | EndpointConnectionError | ReadTimeoutError) -> bool:
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _RETRIED_STATUSES or error.response["Error"]["Code"] in _RETRIED_CODES

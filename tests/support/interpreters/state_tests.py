"""Calls the TestState API for one state and reads what it says: https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html."""

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.support.interpreters.executions import with_short_waits, with_written_out_result_writers
from tests.support.interpreters.state_cases import LOCALSTACK_DEVIATIONS, Seen, StateCase
from tools.workflow.definition import EXAMPLE, render

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

SECONDS_BETWEEN_CALLS = 0.11
"""AWS takes 10 calls of TestState a second."""
_ATTEMPTS = 3
"""localstack, asked for several states at once on a busy machine, now and then answers InternalError for a good one."""


class StateTester:
    """Tests states one by one on an interpreter.

    Parameters
    ----------
    real : whether it is AWS, which is called at most 9 times a second and runs the definition as it is
    text : another text of the definition
    clock, sleep : for tests of this
    """

    def __init__(
        self,
        client: "SFNClient",
        *,
        real: bool = False,
        text: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._real = real
        self._text = text
        self._clock, self._sleep = clock, sleep
        self._next_call = clock()
        self._maps = Lock()  # localstack mixes up how many items fail of Maps that are tested at once

    def see(self, case: StateCase) -> Seen:
        """Test a state, and return what TestState says of it."""
        request = case.request() | {"definition": json.dumps(self._definition(case))}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._maps if case.items is not None else nullcontext():
                    told = self._call(request)
                break
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code != "InternalError" or attempt == _ATTEMPTS:
                    return Seen("CALL_FAILED", error=code)
        inspected = told.get("inspectionData", {})
        details = inspected.get("errorDetails", {})
        return Seen(
            status=told["status"],
            following=told.get("nextState", ""),
            error=told.get("error"),
            output=_parsed(told.get("output")),
            retry=details.get("retryIndex"),
            catch=details.get("catchIndex"),
            seconds=details.get("retryBackoffIntervalSeconds"),
            parameters=_parsed(inspected.get("afterParameters")),
            item=_parsed(inspected.get("afterItemSelector")),
            concurrency=inspected.get("maxConcurrency"),
            tolerance=inspected.get("toleratedFailureCount"),
        )

    def _definition(self, case: StateCase) -> dict[str, Any]:
        substitutions = {**EXAMPLE, "ToleratedFailureCount": case.tolerance}
        if self._real:
            return render(substitutions, self._text)
        definition = with_short_waits(render({**substitutions, "ChildExecutionType": "STANDARD"}, self._text))
        return with_written_out_result_writers(definition)

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._real:
            self._sleep(max(0.0, self._next_call - self._clock()))
            self._next_call = self._clock() + SECONDS_BETWEEN_CALLS
        call: Callable[..., Any] = self._client.test_state
        return dict(call(**request, inspectionLevel="DEBUG"))


def judge(case: StateCase, seen: Seen, *, real: bool = False) -> list[str]:
    """Say what differs from what is wanted, or from what localstack is known to say instead."""
    deviation = None if real else LOCALSTACK_DEVIATIONS.get(case.name)
    wanted = case.wanted
    if deviation:
        if not _differences(case.wanted, seen):
            return [f"localstack is mended: take its mark ({deviation.why}) out of LOCALSTACK_DEVIATIONS"]
        wanted = replace(wanted, **deviation.instead)
        if wanted.status == "CALL_FAILED":
            wanted = Seen(wanted.status, error=wanted.error)
    return _differences(wanted, seen)


def _differences(wanted: Seen, seen: Seen) -> list[str]:
    return [
        f"{field.name} is {found!r}, and should be {value!r}"
        for field in fields(Seen)
        if (value := getattr(wanted, field.name)) is not None and value != (found := getattr(seen, field.name))
    ]


def _parsed(text: str | None) -> Any:
    return "" if text is None else json.loads(text)

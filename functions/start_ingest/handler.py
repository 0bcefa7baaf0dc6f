"""StartIngest: start an execution for an object that was created, or for a schedule that is due."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from hundredfold.aws import clients
from hundredfold.aws.executions import StepFunctionsExecutions
from hundredfold.planning.start_events import IgnoredObject, start_for
from hundredfold.runtime.redaction import redact_errors
from hundredfold.runtime.telemetry import logger
from hundredfold.settings import Settings

settings = Settings.from_environment(os.environ)
executions = StepFunctionsExecutions(clients.step_functions(), settings.state_machine)


@logger.inject_lambda_context(clear_state=True)
@redact_errors
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    start = start_for(event, settings.scheduled_source)
    if isinstance(start, IgnoredObject):
        logger.info("left alone", source=start.location, why=start.why)
        return {"ingest_id": None, "started": False}
    logger.append_keys(ingest_id=start.ingest_id)
    started = executions.start(start.ingest_id, start.as_input())
    logger.info("started" if started else "started before", source=str(start.spec))
    return {"ingest_id": start.ingest_id, "started": started}

"""The error and cause of a failure, as Step Functions hands them on."""

import json

CAUSE_CHARACTERS = 1_000
"""How much of a cause is quoted.

A cause may differ from batch to batch: Lambda writes the request's id into that of a timeout.
"""


def quote_failure(error: str, cause: str) -> str:
    """Return an error and its cause in one line, cut to what a summary quotes."""
    text = f"{error}: {lambda_message(cause)}".strip(": ")
    return text if len(text) <= CAUSE_CHARACTERS else f"{text[:CAUSE_CHARACTERS]}…"


def lambda_message(cause: str) -> str:
    """Return the message of a Lambda error, which Step Functions hands on as JSON with a stack trace."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause

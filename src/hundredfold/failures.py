"""Failures: the error and cause that Step Functions passes on."""

import json

CAUSE_CHARACTERS = 1_000
"""The most characters of a failure that are quoted.

A cause may differ from batch to batch. For a timeout, Lambda writes the id of the request into it.
"""


def quote_failure(error: str, cause: str) -> str:
    """Return an error and its cause in one line, of at most CAUSE_CHARACTERS."""
    text = f"{error}: {lambda_message(cause)}".strip(": ")
    return text if len(text) <= CAUSE_CHARACTERS else f"{text[:CAUSE_CHARACTERS]}…"


def lambda_message(cause: str) -> str:
    """Return the message of a Lambda error. Step Functions passes it on as JSON with a stack trace."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause

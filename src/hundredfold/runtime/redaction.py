"""Redaction: no error that leaves a function quotes a record."""

import functools
import traceback
from collections.abc import Callable
from pathlib import PurePath

from botocore.exceptions import ClientError

from hundredfold.errors import HundredfoldError


class UnexpectedError(HundredfoldError):
    """An unexpected error: its kind and its place, without its message, which may quote a record."""


def redact_errors[**P, R](handler: Callable[P, R]) -> Callable[P, R]:
    """Redact the errors of a Lambda handler.

    Lambda logs an error's message. Step Functions keeps it in the execution's history and writes it to the ledger. So
    our own errors pass as they are, since their messages never quote a record. Any other error becomes an
    `UnexpectedError` with its kind, a service's error code and the place where it was raised.
    """

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except HundredfoldError:
            raise
        except Exception as error:
            message = describe(error)
        # Raised outside the `except`, so that the original error is not even its context.
        raise UnexpectedError(message)

    return call


def describe(error: Exception) -> str:
    """Return the kind of an error and the place where it was raised, without its message."""
    kind = type(error).__name__
    if isinstance(error, ClientError):
        kind = f"{error.operation_name} was refused: {error.response.get('Error', {}).get('Code', 'Unknown')}"
    places = [(PurePath(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)][1:]
    # The last place in our own code says more than a place in a library.
    own_places = [place for place in places if "hundredfold" in place[0].parts] or places
    where = f"{own_places[-1][0].name}:{own_places[-1][1]}" if own_places else "a place unknown"
    return f"{kind}, raised at {where}"

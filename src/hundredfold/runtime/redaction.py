"""Keeping records out of error messages: what leaves a function is an error of our own, or says only where it was."""

import functools
import traceback
from collections.abc import Callable
from pathlib import PurePath

from botocore.exceptions import ClientError

from hundredfold.errors import HundredfoldError


class UnexpectedError(HundredfoldError):
    """An error that nobody foresaw, without its message, which may quote a record."""


def redact_errors[**P, R](handler: Callable[P, R]) -> Callable[P, R]:
    """Let no error out of `handler` whose message may quote a record.

    Lambda logs an error's message, and Step Functions keeps it in the execution's history and hands it to the ledger.
    The messages of our own errors hold no record's content. Of any other error its kind, a service's error code and
    the place where it was raised are kept, and nothing else.
    """

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except HundredfoldError:
            raise
        except Exception as error:
            message = describe(error)
        # Outside the `except`, so that not even its context goes along.
        raise UnexpectedError(message)

    return call


def describe(error: Exception) -> str:
    """Say what an error is and where it was raised, without its message."""
    kind = type(error).__name__
    if isinstance(error, ClientError):
        kind = f"{error.operation_name} was refused: {error.response.get('Error', {}).get('Code', 'Unknown')}"
    places = [(PurePath(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)][1:]
    # The last place of our own says more than one in a library.
    ours = [place for place in places if "hundredfold" in place[0].parts] or places
    where = f"{ours[-1][0].name}:{ours[-1][1]}" if ours else "a place unknown"
    return f"{kind}, raised at {where}"

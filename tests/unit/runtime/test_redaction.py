"""Redaction: no message that may quote a record leaves a function."""

import traceback

import pytest
from botocore.exceptions import ClientError

from hundredfold.errors import SourceMissingError
from hundredfold.runtime.redaction import UnexpectedError, redact_errors

SECRET = "the text of a record"


@redact_errors
def raises(error: Exception) -> None:
    try:
        raise KeyError(SECRET)
    except KeyError:
        raise error from None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError(SECRET), "ValueError, raised at test_redaction.py:"),
        (MemoryError(), "MemoryError, raised at test_redaction.py:"),
        (
            ClientError({"Error": {"Code": "ValidationException", "Message": SECRET}}, "BatchWriteItem"),
            "BatchWriteItem was refused: ValidationException, raised at test_redaction.py:",
        ),
    ],
    ids=["value", "memory", "service"],
)
def test_an_unexpected_error_is_reduced_to_its_kind_and_place(error: Exception, kind: str) -> None:
    with pytest.raises(UnexpectedError) as raised:
        raises(error)

    assert str(raised.value).startswith(kind)
    # Nor is it in what Lambda prints and hands on: message, traceback, chained errors
    printed = "".join(traceback.format_exception(raised.value))
    assert SECRET not in printed
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_our_own_errors_keep_their_messages() -> None:
    error = SourceMissingError("s3://b/k", "there is no such object")

    with pytest.raises(SourceMissingError) as raised:
        raises(error)

    assert raised.value is error


def test_a_handler_that_ends_well_answers() -> None:
    assert redact_errors(lambda event, _: {"got": event})({"a": 1}, None) == {"got": {"a": 1}}

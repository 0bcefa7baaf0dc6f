"""The review of a source before anything is uploaded: its first records against the live model's signature."""

from collections.abc import Callable

from hundredfold.errors import InvalidIngestError
from hundredfold.model.signature import FieldType, Signature
from hundredfold_cli.ingests.preview.fit import ID, Fit, check_fit, describe_missing, looks_like_data
from hundredfold_cli.ingests.request import IngestRequest
from hundredfold_cli.stack.deployment import Deployment

type Say = Callable[[str], None]
type Confirm = Callable[[str], bool]
"""Answers a question with yes or no."""

_GROUPS = 3
"""How many causes of rejections are told."""


def review(deployment: Deployment, request: IngestRequest, signature: Signature, say: Say, confirm: Confirm) -> None:
    """Compare the first records of a source with a model, before anything is written.

    If names differ and columns can be suggested for them, and the suggestion is confirmed, the request takes it.

    Parameters
    ----------
    request : which was checked
    confirm : asked before a suggestion is taken, and before records are scored of which the first would be rejected

    Raises
    ------
    InvalidIngestError
        If a name is missing, or none of the first records can be scored. The message has the options to type.
    """
    fit = _fit(deployment, request, signature)
    if fit is None:
        return
    if fit.missing:
        message = _missing_message(fit, request, signature)
        if set(fit.suggested) != set(fit.missing) or not confirm(f"{message}. Do so now?"):
            raise InvalidIngestError(message)
        say(f"reading it with {fit.maps}")
        request.map_fields(fit.suggested)
        fit = _fit(deployment, request, signature)
        if fit is None:
            return
    if not fit.rejected:
        return
    causes = "; ".join(map(str, fit.rejected[:_GROUPS]))
    if fit.rejected_records < fit.records:
        share = f"{fit.rejected_records:,} of the first {fit.records:,} records of {request.name}"
        say(f"{share} will be rejected: {causes}")
        return
    all_of_them = f"none of the first {fit.records:,} records" if fit.records > 1 else "the first record"
    cannot = f"{all_of_them} of {request.name} can{'' if fit.records > 1 else 'not'} be scored: {causes}"
    if not confirm(f"{cannot}. Start the ingest all the same?"):
        raise InvalidIngestError(f"{cannot}{_advice(fit, signature)}; to start it all the same, add --yes")


def _fit(deployment: Deployment, request: IngestRequest, signature: Signature) -> Fit | None:
    first = request.first_records(deployment)
    return check_fit(first, signature, request.options) if first else None


def _missing_message(fit: Fit, request: IngestRequest, signature: Signature) -> str:
    wanted = [ID, *(field.name for field in signature.fields)]
    if looks_like_data(fit.columns, wanted):
        return (
            f"the first row of {request.name} has values, and not the columns' names; write them above it, such as: "
            f"(echo '{request.options.delimiter.join(wanted[:20])}'; cat {request.name}) > named-{request.name}"
        )
    message = describe_missing(fit, request.name)
    if ID in fit.missing and ID not in fit.suggested and "" in fit.columns:
        message += (
            ". Its first column has no name, as pandas writes an index: write it with to_csv(…, index_label='id')"
        )
    elif ID in fit.missing and ID not in fit.suggested:
        message += ". Each record needs an id that no other has: text or a number, such as its row"
    return message


def _advice(fit: Fit, signature: Signature) -> str:
    """Say what else could be meant, where the values show it."""
    numbers = {field.name for field in signature.fields if field.type is FieldType.NUMBER}
    details = [group.detail for group in fit.rejected]
    if any(f"{name!r} is text that is no number" in detail for name in numbers for detail in details):
        return ". A number has a point, and no comma: 3.5"
    return ""

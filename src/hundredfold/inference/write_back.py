"""Writing predictions back onto the items of a table that they are of, if these are still what the model was given."""

from collections.abc import Iterator, Sequence

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.inference.decode import Record
from hundredfold.model.signature import Signature
from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.members import read_key, read_members, scalar_value
from hundredfold.sources.dynamodb.write_back import ItemAnswer
from hundredfold.sources.spec import TableSpec

MOST_FIELDS = 100
"""Of a signature. Each is compared, and DynamoDB takes 300 operators and functions in an expression:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)"""


def check_write_back(spec: TableSpec, signature: Signature) -> None:
    """Make sure that no answer takes the place of what the model is given.

    Raises
    ------
    InvalidIngestError
        If the attribute to write back to is one that a field of the signature is taken from, or there are too many.
    """
    for field in signature.fields:
        if spec.write_back == _attribute(spec, field.name):
            raise InvalidIngestError(
                f"the source's write_back names {spec.write_back!r}, which the model's field {field.name!r} is taken "
                "from; name another attribute"
            )
    if len(signature.fields) > MOST_FIELDS:
        raise InvalidIngestError(
            f"the model has {len(signature.fields)} fields, and a write_back compares {MOST_FIELDS} at most; "
            "leave write_back out of the source"
        )


def item_answers(
    spec: TableSpec,
    signature: Signature,
    data: bytes,
    batch: Batch,
    records: Sequence[Record],
    predictions: Sequence[Prediction],
) -> Iterator[ItemAnswer]:
    """Return for each prediction the item that it is of, and what the model was given of it.

    Parameters
    ----------
    data : the bytes of the batch, whose lines have the items' keys
    """
    records_by_id = {record.record_id: record for record in records}
    for prediction in predictions:
        start = records_by_id[prediction.record_id].offset - batch.offset
        end = data.find(b"\n", start)
        members = read_members(data[start : end if end >= 0 else len(data)])
        read = {_attribute(spec, field.name): scalar_value(members[field.name]) for field in signature.fields}
        yield ItemAnswer(read_key(members), read, prediction)


def _attribute(spec: TableSpec, field: str) -> str:
    return spec.options.fields.get(field, field)

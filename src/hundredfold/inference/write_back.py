"""Write-back: put predictions onto the table items that they came from, if these still hold what the model read."""

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
"""The most fields of a signature with write-back.

Each field is compared, and DynamoDB takes 300 operators and functions in an expression:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)
"""


def check_write_back(spec: TableSpec, signature: Signature) -> None:
    """Check that predictions do not overwrite what the model reads.

    Raises
    ------
    InvalidIngestError
        If a field of the signature is read from the attribute to write back to, or if there are too many fields.
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
    """Yield each prediction with the key of its item and the attributes that the model read.

    Parameters
    ----------
    data : the bytes of the batch. Its lines have the keys of the items.
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

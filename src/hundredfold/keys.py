"""Keys: where the objects of an ingest lie, in the work bucket unless a function says otherwise."""


def upload_key(ingest_id: str, token: str, suffix: str = ".jsonl") -> str:
    """Where the command line uploads records, in the source bucket. Objects under this key start no ingest.

    Parameters
    ----------
    token : of the start's claim. So two starts never write to one key.
    """
    return f"{upload_prefix(ingest_id, token)}records{suffix}"


def upload_prefix(ingest_id: str, token: str) -> str:
    """Where the command line uploads the files of a folder, in the source bucket; `token` is as for `upload_key`."""
    return f"uploads/{ingest_id}/{token}/"


def staged_key(ingest_id: str, number: int) -> str:
    """Where the planner stages an object or a segment as JSON Lines. `number` is its place in the ingest."""
    return f"ingests/{ingest_id}/staged/{number:06d}.jsonl"


def partitions_key(ingest_id: str, execution: str) -> str:
    """Where the planner lists the partitions that an execution plans."""
    return f"ingests/{ingest_id}/partitions/{execution}/partitions.json"


def partition_ranges_key(ingest_id: str, execution: str, partition: int) -> str:
    """Where the planner writes the ranges of a partition."""
    return f"ingests/{ingest_id}/partitions/{execution}/{partition:06d}.ranges.json"


def partition_batches_key(ingest_id: str, execution: str, partition: int) -> str:
    """Where the planner writes the batches of a partition."""
    return f"ingests/{ingest_id}/partitions/{execution}/{partition:06d}.batches.jsonl"


def manifest_key(ingest_id: str) -> str:
    """Where the planner writes the manifest of an ingest."""
    return f"ingests/{ingest_id}/manifest.json"


def resumed_manifest_key(ingest_id: str, execution: str) -> str:
    """Where the planner writes the manifest of what is missing. `execution` resumes the ingest."""
    return f"ingests/{ingest_id}/resumed/{execution}.json"


def rejections_key(ingest_id: str, batch: int) -> str:
    """Where the rejections of a batch are written. A batch without rejections has no such object."""
    return f"ingests/{ingest_id}/rejected/{batch:08d}.jsonl"


def index_key(ingest_id: str, execution: str) -> str:
    """Where the summary writes the index of an ingest's records, if their predictions are packed.

    It does not expire as what is under `ingests/` does: predictions stay, and have to be found.

    Parameters
    ----------
    execution : that the summary is of. So an earlier one that still runs does not replace the index of a resume.
    """
    return f"index/{ingest_id}/{execution}.bin"


def card_key(ingest_id: str) -> str:
    """Where the planner keeps the card of the model that scores an ingest."""
    return f"ingests/{ingest_id}/card.json"


def earlier_card_key(ingest_id: str, version: str) -> str:
    """Where the planner keeps the card of a model that scored an ingest until a resume named another."""
    return f"ingests/{ingest_id}/cards/{version}.json"


def model_card_key(digest: str) -> str:
    """Where a release keeps the card of a model. `digest` is the card's SHA-256."""
    return f"models/{digest}.json"

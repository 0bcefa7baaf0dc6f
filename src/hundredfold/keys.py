"""Where the objects of an ingest lie, in the source bucket and in the work bucket."""


def upload_key(ingest_id: str, suffix: str = ".jsonl") -> str:
    """Where the command line uploads an ingest's records to, in the source bucket: not where objects start ingests."""
    return f"uploads/{ingest_id}/records{suffix}"


def staged_key(ingest_id: str, piece: int) -> str:
    """Where the planner stages a piece of an origin as JSON Lines, in the work bucket."""
    return f"ingests/{ingest_id}/staged/{piece:06d}.jsonl"


def partitions_key(ingest_id: str, execution: str) -> str:
    """Where the planner lists the parts that an execution plans an ingest in, in the work bucket."""
    return f"ingests/{ingest_id}/partitions/{execution}/partitions.json"


def partition_ranges_key(ingest_id: str, execution: str, part: int) -> str:
    """Where the planner says what a part consists of, in the work bucket."""
    return f"ingests/{ingest_id}/partitions/{execution}/{part:06d}.pieces.json"


def partition_batches_key(ingest_id: str, execution: str, part: int) -> str:
    """Where the planner writes the batches of a part to, in the work bucket."""
    return f"ingests/{ingest_id}/partitions/{execution}/{part:06d}.batches.jsonl"


def manifest_key(ingest_id: str) -> str:
    """Where the planner writes an ingest's manifest to, in the work bucket."""
    return f"ingests/{ingest_id}/manifest.json"


def resumed_manifest_key(ingest_id: str, execution: str) -> str:
    """Where the planner writes what is missing of an ingest to, in the work bucket; `execution` resumes it."""
    return f"ingests/{ingest_id}/resumed/{execution}.json"


def rejections_key(ingest_id: str, batch: int) -> str:
    """Where a batch's rejections are written to, in the work bucket; no object if it has none."""
    return f"ingests/{ingest_id}/rejected/{batch:08d}.jsonl"


def card_key(ingest_id: str) -> str:
    """Where the card of the model that scores an ingest is kept with it, in the work bucket."""
    return f"ingests/{ingest_id}/card.json"


def model_card_key(digest: str) -> str:
    """Where a release keeps the card of a model, by the card's SHA-256, in the work bucket."""
    return f"models/{digest}.json"

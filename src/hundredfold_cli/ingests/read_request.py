"""From the command's argument and options to a request: a path, `-`, or a URI."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from hundredfold.sources.format_options import FORMAT_OPTIONS
from hundredfold.sources.spec import ObjectsSpec, TableSpec
from hundredfold.sources.uri import DYNAMODB, S3, parse_uri
from hundredfold_cli.ingests.request import IngestRequest
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.stored import StoredObjects, StoredTable
from hundredfold_cli.ingests.uploads import FileUpload, FolderUpload, StreamUpload

STANDARD_INPUT = "-"


def read_request(source: str, source_options: SourceOptions, standard_input: BinaryIO) -> IngestRequest:
    """Return the request that the command's argument and options make.

    Raises
    ------
    InvalidIngestError
        If the source is neither a readable file nor a URI, or an option does not fit it.
    """
    options = source_options.read_options()
    if source.startswith(DYNAMODB):
        format_options = (option.name for option in FORMAT_OPTIONS)
        source_options.refuse(source, "kind", "compression", *format_options, "prefix")
        spec = parse_uri(source, options)
        if isinstance(spec, TableSpec):
            return StoredTable(replace(spec, write_back=source_options.write_back or ""))
    source_options.refuse(source, "write_back")
    if source.startswith(S3):
        spec = parse_uri(source, options, prefix=source_options.prefix)
        if isinstance(spec, ObjectsSpec):
            return StoredObjects(spec, source_options)
    source_options.refuse(source, "prefix")
    if source == STANDARD_INPUT:
        return StreamUpload(standard_input, source_options)
    path = Path(source)
    return FolderUpload(path, source_options) if path.is_dir() else FileUpload(path, source_options)

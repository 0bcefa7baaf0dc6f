"""Records that are here, and are uploaded: a file, the files of a folder, standard input."""

import io
from pathlib import Path
from typing import BinaryIO

from hundredfold.aws.objects import S3Upload
from hundredfold.errors import InvalidIngestError
from hundredfold.keys import upload_key, upload_prefix
from hundredfold.sources.formats import format_of
from hundredfold.sources.object_names import suffix_for
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions
from hundredfold.sources.spec import ObjectsSpec, SourceSpec
from hundredfold_cli.ingests.folder import files_of
from hundredfold_cli.ingests.preview.detection import HEAD_BYTES
from hundredfold_cli.ingests.preview.first_records import FirstRecords, read_file
from hundredfold_cli.ingests.request import Uploaded
from hundredfold_cli.ingests.source_options import DetectedSource, SourceOptions
from hundredfold_cli.stack.deployment import Deployment

_CHUNK_BYTES = 1024 * 1024


class FileUpload(DetectedSource):
    """A local file, which is uploaded; raises InvalidIngestError if it cannot be read."""

    def __init__(self, file: Path, source_options: SourceOptions | None = None) -> None:
        super().__init__(source_options or SourceOptions())
        self._detect(_head_of(file), file.name, str(file))
        self._file = file
        self.name = file.name

    @property
    def size(self) -> int:
        return self._file.stat().st_size

    def check(self, deployment: Deployment) -> None:
        """Do nothing: the constructor has opened the file."""

    def first_records(self, deployment: Deployment) -> FirstRecords:
        return read_file(lambda: self._file.open("rb"), self.options, self.name)

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        location = _upload_location(deployment, ingest_id, token, self.options)
        deployment.s3.upload_file(str(self._file), location.bucket, location.key, Callback=uploaded)
        # boto3 does not return the ETag of an upload. Nobody else writes to this key.
        return _pinned_spec(deployment.sources.pin(location), self._spec_options)

    def describe(self, ingest_id: str) -> str:
        return f"uploading {self.name} ({self.size:,} bytes) as ingest {ingest_id} ..."


class FolderUpload(DetectedSource):
    """The files of a local folder, which are uploaded under one prefix; raises InvalidIngestError if there is none."""

    def __init__(self, folder: Path, source_options: SourceOptions | None = None) -> None:
        super().__init__(source_options or SourceOptions())
        self._folder = folder
        self._files = files_of(folder, self._detection.options)
        self._detect(_head_of(self._files[0]), self._files[0].name, str(folder))
        self.name = folder.resolve().name

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self._files)

    def check(self, deployment: Deployment) -> None:
        """Do nothing: the constructor has looked at the files."""

    def first_records(self, deployment: Deployment) -> FirstRecords:
        return read_file(lambda: self._files[0].open("rb"), self.options, str(self._files[0]))

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        prefix = upload_prefix(ingest_id, token)
        for file in self._files:
            key = prefix + file.relative_to(self._folder).as_posix()
            deployment.s3.upload_file(str(file), deployment.source_bucket, key, Callback=uploaded)
        return ObjectsSpec(deployment.source_bucket, prefix=prefix, options=self._spec_options)

    def describe(self, ingest_id: str) -> str:
        files = "1 file" if len(self._files) == 1 else f"{len(self._files):,} files"
        return f"uploading {files} of {self._folder} ({self.size:,} bytes) as ingest {ingest_id} ..."


class StreamUpload(DetectedSource):
    """Standard input, which is uploaded in chunks as it is read."""

    name = "stdin"
    size = None

    def __init__(self, stream: BinaryIO, source_options: SourceOptions | None = None) -> None:
        super().__init__(source_options or SourceOptions())
        self._stream = stream
        self._head = b""

    def check(self, deployment: Deployment) -> None:
        """Read the first bytes, and look what they are. The rest is read when it is uploaded."""
        self._head = self._stream.read(HEAD_BYTES)
        self._detect(self._head, "", "standard input")

    def first_records(self, deployment: Deployment) -> FirstRecords | None:
        if len(self._head) < HEAD_BYTES:
            return read_file(lambda: io.BytesIO(self._head), self.options, "standard input")
        if self.options.compression != NOT_COMPRESSED or format_of(self.options).magic:
            return None  # the first bytes of such a file cannot be read alone
        lines = self._head[: self._head.rfind(b"\n") + 1]
        try:
            return read_file(lambda: io.BytesIO(lines), self.options, "standard input")
        except InvalidIngestError:
            return None  # the first bytes end within a record

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        location = _upload_location(deployment, ingest_id, token, self.options)
        with S3Upload(deployment.s3, location) as upload:
            chunk = self._head or self._stream.read(_CHUNK_BYTES)
            while chunk:
                upload.write(chunk)
                uploaded(len(chunk))
                chunk = self._stream.read(_CHUNK_BYTES)
            return _pinned_spec(upload.finish(), self._spec_options)

    def describe(self, ingest_id: str) -> str:
        return f"uploading standard input as ingest {ingest_id} ..."


def _head_of(file: Path) -> bytes:
    try:
        with file.open("rb") as content:
            return content.read(HEAD_BYTES)
    except OSError as error:
        raise InvalidIngestError(f"cannot read {file}: {error.strerror}") from None


def _upload_location(deployment: Deployment, ingest_id: str, token: str, options: ReadOptions) -> ObjectLocation:
    """Return where to upload records; the key's ending means the same format as the options."""
    return ObjectLocation(deployment.source_bucket, upload_key(ingest_id, token, suffix_for(options)))


def _pinned_spec(pinned: PinnedObject, options: ReadOptions) -> ObjectsSpec:
    return ObjectsSpec(pinned.bucket, pinned.key, options=options, etag=pinned.etag)

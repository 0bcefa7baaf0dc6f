"""Reads botocore's descriptions of services: only those of the services that functions use, and as plain dictionaries.

botocore looks through the folders of all 400 services for each type of description, and makes an `OrderedDict` of each
JSON object. Both together are a tenth of an environment's start. `file_loader` of `Loader` and the session's component
`data_loader` are botocore's own ways to change that:
https://github.com/boto/botocore/blob/develop/botocore/loaders.py (2026-11)
"""

import gzip
import json
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

SERVICES = ("dynamodb", "events", "lambda", "s3", "stepfunctions")
"""The services whose clients can be made."""


class UsedServices(Loader):
    """A loader that knows SERVICES, and looks for no others."""

    def __init__(self) -> None:
        super().__init__(file_loader=PlainJson())

    def list_available_services(self, type_name: str) -> list[str]:
        """Return SERVICES: each has all types of descriptions."""
        return list(SERVICES)


class PlainJson(JSONFileLoader):
    """Reads JSON files into plain dictionaries. They keep the order of the file too."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of a file, by its path without the suffix; None if there is none."""
        for suffix in (".json", ".json.gz"):
            path = Path(file_path + suffix)
            if path.is_file():
                content = path.read_bytes()
                return json.loads(gzip.decompress(content) if suffix.endswith(".gz") else content)
        return None

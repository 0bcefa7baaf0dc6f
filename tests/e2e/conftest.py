"""The example model and records, as they are deployed."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from hundredfold.model.bundle import Bundle, load
from hundredfold_cli.models.releases import Live, Releases
from hundredfold_cli.stack.checkout import ROOT
from tests.support.deployed import STREAM, Stack


@pytest.fixture
def live(stack: Stack) -> Iterator[Live]:
    """What is live when the test begins, made live again when it has ended."""
    releases = Releases(stack.deployment)
    before = releases.live()
    assert before
    yield before
    now = releases.live()
    if now and now.version != before.version:
        releases.roll_back(before.version, "tests")


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The very bundle that is in the deployed layer, loaded in this process."""
    return load(ROOT / "build/bundle")


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Distinct texts to score: numbered variations of a few of our own sentences."""
    openings = ("I loved", "I hated", "Nobody should miss", "Avoid", "It is hard to forget", "I slept through")
    endings = ("this wonderful film", "the dull plot", "its awful music", "the brilliant cast", "the ending")
    return [
        f"{opening} {ending}, scene {number}." for number in range(120) for opening in openings for ending in endings
    ][:3_001]


def write_records(file: Path, texts: Sequence[str]) -> Path:
    """Write texts as records with the ids r-00000, r-00001, …"""
    lines = (json.dumps({"id": f"r-{number:05d}", "text": text}) for number, text in enumerate(texts))
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


@pytest.fixture
def records(tmp_path: Path, texts: list[str]) -> Path:
    return write_records(tmp_path / "records.jsonl", texts)


@pytest.fixture
def few_records(tmp_path: Path, texts: list[str]) -> Path:
    return write_records(tmp_path / "few.jsonl", list(islice(texts, 250)))


@pytest.fixture(scope="session")
def kinesis(stack: Stack) -> Any:
    """A client, and the stream that the deployed mapping is of."""
    client = stack.deployment.session.client("kinesis", endpoint_url=stack.deployment.endpoint)
    client.create_stream(StreamName=STREAM, ShardCount=2)
    client.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return client

"""The lock of releases: one command changes what is live, and the others are told who does."""

from datetime import UTC, datetime, timedelta

import pytest

from hundredfold_cli.models.release_lock import LEASE_SECONDS, ReleaseLock, ReleaseLockedError
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws_services import AwsServices


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(aws: AnsweringServer) -> AwsServices:
    return AwsServices(aws)


def lock_of(services: AwsServices, holder: str, clock: Clock) -> ReleaseLock:
    deployment = services.deployment()
    return ReleaseLock(deployment.dynamodb, deployment.ledger_table, holder, now=clock)


def test_whoever_comes_second_is_told_who_releases_what_and_until_when(services: AwsServices, clock: Clock) -> None:
    with (
        lock_of(services, "alice on build-7", clock).held("publishing model reviews"),
        pytest.raises(ReleaseLockedError) as refused,
        lock_of(services, "bob on build-8", clock).held("publishing model reviews"),
    ):
        pass

    assert str(refused.value) == (
        "alice on build-7 has been publishing model reviews since 2026-11-24T05:00:00+00:00, so nothing was changed; "
        "try again when that has ended (if that command was killed, its lock ends at 2026-11-24T05:10:00+00:00)"
    )


def test_a_lock_that_is_let_go_is_free(services: AwsServices, clock: Clock) -> None:
    with lock_of(services, "alice", clock).held("publishing"):
        pass
    with pytest.raises(KeyboardInterrupt), lock_of(services, "alice", clock).held("publishing"):
        raise KeyboardInterrupt

    with lock_of(services, "bob", clock).held("publishing"):
        pass

    assert services.items == {}


def test_the_lock_of_a_command_that_was_killed_ends_by_itself(services: AwsServices, clock: Clock) -> None:
    killed = lock_of(services, "alice", clock).held("publishing")
    killed.__enter__()
    clock.forward(LEASE_SECONDS - 1)
    with pytest.raises(ReleaseLockedError), lock_of(services, "bob", clock).held("publishing"):
        pass

    clock.forward(2)
    with lock_of(services, "bob", clock).held("publishing"):
        pass


def test_a_lock_that_is_renewed_stays(services: AwsServices, clock: Clock) -> None:
    lock = lock_of(services, "alice", clock)
    with lock.held("publishing"):
        for _ in range(10):
            clock.forward(LEASE_SECONDS / 2)
            lock.renew()
        with pytest.raises(ReleaseLockedError), lock_of(services, "bob", clock).held("publishing"):
            pass


def test_whoever_was_too_slow_is_stopped_and_leaves_the_others_lock_alone(services: AwsServices, clock: Clock) -> None:
    lock = lock_of(services, "alice", clock)
    slow = lock.held("publishing")
    slow.__enter__()
    clock.forward(LEASE_SECONDS + 1)

    with lock_of(services, "bob", clock).held("rolling back"):
        with pytest.raises(ReleaseLockedError, match="it took too long and bob has been rolling back since"):
            lock.renew()
        slow.__exit__(None, None, None)
        with pytest.raises(ReleaseLockedError), lock_of(services, "carol", clock).held("publishing"):
            pass


def test_no_ingest_can_have_the_key_of_the_lock(services: AwsServices, clock: Clock) -> None:
    with lock_of(services, "alice", clock).held("publishing"):
        [(ledger_key, _)] = services.items

    assert ledger_key.startswith("#"), "an id begins with a letter or a digit"

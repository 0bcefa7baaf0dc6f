"""The lock of releases: one command at a time changes what is live.

It is an item of the ledger table, written on condition that nobody else has it. It is a lease: a command that was
killed holds it for `LEASE_SECONDS` at most. A command renews its lease between its steps. A command that slept through
its lease does no harm either: each step names the revision of the function or of the alias that it means to change.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import is_failed_condition, mapped_errors
from hundredfold.errors import HundredfoldError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

LEASE_SECONDS = 600
"""Longer than any step of a release. The longest one is an invocation that botocore tries five times, for 60 s each."""
RENEWAL_SECONDS = 60
"""How often a lease is renewed at most."""

# No ingest has this key: an id begins with a letter or a digit.
_KEY: "dict[str, AttributeValueTypeDef]" = {"ledger_key": {"S": "#release"}, "entry": {"S": "lock"}}
_BUSY = "DynamoDB did not answer about the lock of releases"


class ReleaseLockedError(HundredfoldError):
    """Another command has the lock, or has taken it from one that was too slow. The message says who."""


class ReleaseLock:
    """The lock of one deployment's releases, for one command.

    Parameters
    ----------
    table : the ledger table
    holder : who runs this command
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        holder: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0),
    ) -> None:
        self._client = client
        self._table = table
        self._holder = holder
        self._now = now
        self._token = secrets.token_hex(8)
        self._doing = ""
        self._since = self._renewed = datetime.min.replace(tzinfo=UTC)

    @contextmanager
    def held(self, doing: str) -> Iterator[None]:
        """Have the lock during a release. Within one that has it already, this changes nothing.

        Parameters
        ----------
        doing : what this command does, such as `publishing model reviews`

        Raises
        ------
        ReleaseLockedError
            If another command has the lock.
        """
        if self._doing:
            yield
            return
        self._doing, self._since = doing, self._now()
        if not self._take():
            self._doing = ""
            holder, until = self._look()
            raise ReleaseLockedError(
                f"{holder}, so nothing was changed; try again when that has ended"
                + (f" (if that command was killed, its lock ends at {until})" if until else "")
            )
        try:
            yield
        finally:
            self._doing = ""
            with suppress(ClientError, BotoCoreError):  # the lease ends by itself
                self._client.delete_item(
                    TableName=self._table,
                    Key=_KEY,
                    ConditionExpression="lock_token = :token",
                    ExpressionAttributeValues={":token": {"S": self._token}},
                )

    def renew(self) -> None:
        """Begin the lease anew, if this command has the lock. It may be called often.

        Raises
        ------
        ReleaseLockedError
            If this command took longer than its lease, and another one has the lock.
        """
        if self._doing and self._now() - self._renewed >= timedelta(seconds=RENEWAL_SECONDS) and not self._take():
            raise ReleaseLockedError(
                f"this command was stopped, because it took too long and {self._look()[0]}; "
                "see what is live with: hundredfold model list"
            )

    def _take(self) -> bool:
        """Write the lock, unless another command has it. Return whether this command has it now."""
        now = self._now()
        item: dict[str, str] = {
            "lock_token": self._token,
            "lock_holder": self._holder,
            "lock_doing": self._doing,
            "lock_since": self._since.isoformat(),
            "lock_until": (now + timedelta(seconds=LEASE_SECONDS)).isoformat(),
        }
        with mapped_errors(_BUSY):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={**_KEY, **{name: {"S": value} for name, value in item.items()}},
                    ConditionExpression="attribute_not_exists(ledger_key) OR lock_token = :token OR lock_until < :now",
                    ExpressionAttributeValues={":token": {"S": self._token}, ":now": {"S": now.isoformat()}},
                )
            except ClientError as error:
                if is_failed_condition(error):
                    return False
                raise
        self._renewed = now
        return True

    def _look(self) -> tuple[str, str]:
        """Return who has the lock, as a sentence, and until when."""
        with mapped_errors(_BUSY):
            item = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True).get("Item")
        if item is None:
            return "another command had the lock of releases until now", ""
        holder, doing, since, until = (item[f"lock_{name}"]["S"] for name in ("holder", "doing", "since", "until"))
        return f"{holder} has been {doing} since {since}", until

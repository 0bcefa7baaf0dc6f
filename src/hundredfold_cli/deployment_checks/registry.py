"""All checks, in the order in which they are asked. The model that is live changes in between; see `Stage`."""

from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.rows.busy_stores import BUSY_LEDGER, BUSY_STORE
from hundredfold_cli.deployment_checks.rows.deploying import DEPLOYS, DEPLOYS_AGAIN
from hundredfold_cli.deployment_checks.rows.failed_batches import KILLED, OUT_OF_MEMORY, OUT_OF_TIME, POISON
from hundredfold_cli.deployment_checks.rows.keys import KEYS
from hundredfold_cli.deployment_checks.rows.log_streams import LOG_STREAMS
from hundredfold_cli.deployment_checks.rows.metrics import METRICS
from hundredfold_cli.deployment_checks.rows.new_table import NEW_TABLE
from hundredfold_cli.deployment_checks.rows.redrive import REDRIVE
from hundredfold_cli.deployment_checks.rows.single_states import SINGLE_STATES
from hundredfold_cli.deployment_checks.rows.streams import KINESIS, TABLE
from hundredfold_cli.deployment_checks.rows.times import BATCH_TIME, DISPATCH, INIT

CHECKS: tuple[Check, ...] = (
    DEPLOYS,
    DEPLOYS_AGAIN,
    # with the model that is live
    NEW_TABLE,
    INIT,
    DISPATCH,
    BATCH_TIME,
    LOG_STREAMS,
    KEYS,
    # with the model of the checks
    POISON,
    KILLED,
    OUT_OF_MEMORY,
    OUT_OF_TIME,
    TABLE,
    KINESIS,
    REDRIVE,
    BUSY_STORE,
    BUSY_LEDGER,
    # what comes late, and what needs no ingest
    METRICS,
    SINGLE_STATES,
)

"""The whole local stack goes down in the middle of an ingest, with all its workers, and comes up again.

It is told to end, not killed: it writes down what is in its tables and buckets only then. On AWS those are other
services' and stay; what is lost is the execution.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hundredfold.layout import Layout
from hundredfold.model.bundle import load
from hundredfold.summary import Status
from hundredfold_cli.deploy import deploy_locally
from hundredfold_cli.stack.checkout import LOCAL, ROOT
from hundredfold_cli.stack.deployment import STACK_NAME
from hundredfold_cli.stack.local_stack import LocalStack
from tests.faults.conftest import ROWS
from tests.faults.fault_proxy import Fault, FaultProxy, slowly
from tests.faults.test_faults import reads_source
from tests.faults.trial import Trial, World
from tests.support.deployed import Stack


class KeptStack(LocalStack):
    """A local stack whose data outlives its process."""

    def _discard_data(self) -> None:
        pass


@pytest.mark.parametrize("layout", Layout)
def test_a_stack_that_goes_down(layout: Layout, new_id: Callable[[], str], tmp_path: Path) -> None:
    folder = LOCAL / f"lost-{os.getpid()}"
    local = KeptStack(folder)
    with FaultProxy() as proxy:
        environment = {
            "AWS_ENDPOINT_URL_S3": proxy.url,
            "AWS_ENDPOINT_URL_DYNAMODB": proxy.url,
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
        }
        try:
            process = local.start(environment)
            proxy.forward_to(process)
            deploy_locally(process.environment(), folder / "deploy.log", {"PredictionsLayout": layout.value})
            stack = Stack(process, process.deployment(STACK_NAME))
            world = World(stack, proxy, load(ROOT / "build/bundle"), ROWS)
            trial = Trial(world, new_id(), tmp_path / "records.jsonl")

            # Given an ingest of which a few batches are done when everything ends
            with proxy.at_work(Fault(slowly(0.5), reads_source, skip=1)):
                trial.start()
                trial.until(lambda: trial.batches_done() >= 2, "two batches done")
                local.stop()
            assert not process.alive()

            # When it is up again
            process = local.start(environment)
            proxy.forward_to(process)
            proxy.problems.clear()  # there was nobody to forward to
            trial.deployment = process.deployment(STACK_NAME)
            done = trial.batches_done()
            assert 2 <= done < 8

            # Then the ingest is seen to have failed, and is finished
            first = trial.end()
            assert first.summary["status"] == Status.FAILED
            assert trial.resume().summary["resumed"][0]["batches"] == 8 - done
            trial.check(f"the whole stack goes down and comes up again, {layout.value}", 1)
        finally:
            local.stop()
            LocalStack(folder).stop()

"""Ray Data on two processors: two actors take batches of 100. It listens on 127.0.0.1 only."""

import tempfile
from typing import Any

import ray
import ray.data

from bench.peers.batch import RECORDS, Task, predict_and_write, read_task

_ADDRESS = "127.0.0.1"
_STORE_BYTES = 256 * 1024 * 1024


class Predictor:
    """An actor of Ray Data. It answers with how many records each batch had."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"predicted": [predict_and_write(self._task, batch["id"].tolist(), batch["text"].tolist())]}


def main() -> None:
    task = read_task(__doc__)
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            log_to_driver=False,
            _node_ip_address=_ADDRESS,
            _temp_dir=folder,
        )
        try:
            ray.data.DataContext.get_current().enable_progress_bars = False
            records = ray.data.read_json(str(task.records), lines=True, override_num_blocks=2)
            records.map_batches(
                Predictor, fn_constructor_args=(task,), batch_size=RECORDS, concurrency=2, num_cpus=0.5
            ).sum("predicted")
        finally:
            ray.shutdown()


if __name__ == "__main__":
    main()

"""PySpark with two threads and two Python workers: `mapInPandas` over Arrow batches of 100. It needs Java."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from bench.peers.batch import RECORDS, Task, predict_and_write, read_task

_ADDRESS = "127.0.0.1"


def main() -> None:
    task = read_task(__doc__)
    os.environ |= {"SPARK_LOCAL_IP": _ADDRESS, "PYSPARK_PYTHON": sys.executable}
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", _ADDRESS)
        .config("spark.driver.bindAddress", _ADDRESS)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", RECORDS)
        .getOrCreate()
    )
    try:
        records = spark.read.schema("id string, text string").json(str(task.records)).repartition(2)
        records.mapInPandas(_predictor(task), "predicted int").agg({"predicted": "sum"}).collect()
    finally:
        spark.stop()


def _predictor(task: Task) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def predict(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            ids: Any = frame["id"].tolist()
            yield pd.DataFrame({"predicted": [predict_and_write(task, ids, frame["text"].tolist())]})

    return predict


if __name__ == "__main__":
    main()

"""The simplest loop that does what an ingest does: read, predict 100 records at a time, write each prediction.

One process, one thread.
"""

from bench.peers.batch import predict_and_write, read_batches, read_task


def main() -> None:
    task = read_task(__doc__)
    for records in read_batches(task):
        predict_and_write(task, [record["id"] for record in records], [record["text"] for record in records])


if __name__ == "__main__":
    main()

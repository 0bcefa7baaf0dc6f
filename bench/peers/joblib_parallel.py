"""`joblib.Parallel` with two processes: each takes batches of 100, and loads the model once."""

from joblib import Parallel, delayed

from bench.peers.batch import predict_and_write, read_batches, read_task


def main() -> None:
    task = read_task(__doc__)
    Parallel(n_jobs=2)(
        delayed(predict_and_write)(task, [record["id"] for record in records], [record["text"] for record in records])
        for records in read_batches(task)
    )


if __name__ == "__main__":
    main()

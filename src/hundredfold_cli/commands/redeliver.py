"""redeliver: look into the dead-letter queues, send their messages again, or drop them."""

from typing import Annotated

import typer

from hundredfold_cli.commands.options import find_deployment
from hundredfold_cli.console import print_error, print_line, say
from hundredfold_cli.errors import ExitCode, NotThereError, OptionError
from hundredfold_cli.stack.dead_letters import DeadLetterQueue, NotDeliveredError, QueueName


def redeliver(
    context: typer.Context,
    queue: Annotated[QueueName | None, typer.Argument(help="The queue; both without it.")] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Hand each message to its function again, and remove what was taken.")
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Remove the messages unread.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many messages of a queue, at most.")] = 100,
) -> None:
    """Show what started no ingest, and what was given up of a stream; send it again, or drop it.

    Look first, without an option. An event that is sent twice starts one ingest, and a record is predicted once.
    """
    if send and drop:
        raise OptionError("--send and --drop exclude each other")
    if drop and queue is None:
        raise OptionError(f"--drop needs the queue's name: {' or '.join(QueueName)}")
    deployment = find_deployment(context)
    queues = [DeadLetterQueue(deployment, name) for name in ([queue] if queue else QueueName)]
    if queue and not queues[0].exists:
        raise NotThereError(f"this stack has no queue {deployment.stack}-{queue}: nothing was deployed that fills it")
    failed = [_work_on(each, send=send, drop=drop, limit=limit) for each in queues if each.exists]
    if not failed:
        say("this stack has no dead-letter queue: it has no stream, and starts no ingest by itself")
    if any(failed):
        raise typer.Exit(ExitCode.INGEST_FAILED)


def _work_on(queue: DeadLetterQueue, *, send: bool, drop: bool, limit: int) -> int:
    """Look into a queue, and send or drop what is in it. Return how many messages could not be sent."""
    before = queue.count()
    letters = queue.read(limit) if before else []
    print_line(f"{queue.name}: {before:,} message{'' if before == 1 else 's'}")
    kept, failed = [], 0
    for letter in letters:
        print_line(f"  {letter.what}")
        print_line(f"    {letter.why}")
        if drop:
            queue.drop(letter)
            continue
        try:
            if send:
                queue.send(letter)
                continue
        except NotDeliveredError as error:
            failed += 1
            print_error(f"{letter.what}: {error}")
        kept.append(letter)
    queue.put_back(kept)
    if send or drop:
        print_line(f"{queue.name}: {queue.count():,} left")
    elif letters:
        say(f"send them again with: hundredfold redeliver {queue.name} --send; or remove them with --drop")
    return failed

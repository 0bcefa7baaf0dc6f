"""Log events as CloudWatch Logs has them, with lines as Lambda writes them."""

from typing import Any


def event(stream: str, message: str, at: int = 10_000) -> dict[str, Any]:
    return {"logStreamName": stream, "message": message, "timestamp": at}


def report(request: str, duration: str, billed: int, more: str = "") -> str:
    return (
        f"REPORT RequestId: {request}\tDuration: {duration} ms\tBilled Duration: {billed} ms\tMemory Size: 1769 MB"
        f"\tMax Memory Used: 265 MB\t{more}"
    )

"""What the doctor says of one thing that it looked at."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes
    ----------
    subject : what was looked at
    detail : what it is like
    action : what to do about it; empty if it is fine
    """

    subject: str
    detail: str
    action: str = ""

    @property
    def fine(self) -> bool:
        return not self.action

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "fine": self.fine}


def all_fine(findings: Iterable[Finding]) -> bool:
    """Tell whether nothing must be done."""
    return all(finding.fine for finding in findings)

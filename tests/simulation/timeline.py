"""The timeline of a simulation: who did what, and when, for a person who looks for the reason of a failure."""

from dataclasses import dataclass, field

from tests.simulation.scheduler import Scheduler


@dataclass
class Timeline:
    """What happened, in order.

    Attributes
    ----------
    kept : whether anything is kept at all. A run of thousands of seeds keeps none, and repeats the seeds that fail.
    """

    scheduler: Scheduler
    kept: bool = False
    events: list[tuple[float, str, str]] = field(default_factory=list)

    def add(self, who: str, what: str) -> None:
        """Add what somebody does now."""
        if self.kept:
            self.events.append((self.scheduler.now, who, what))

    def text(self) -> str:
        """Return the timeline as lines of time, who and what."""
        width = max((len(who) for _, who, _ in self.events), default=0)
        return "\n".join(f"{time:9.3f}  {who:<{width}}  {what}" for time, who, what in self.events)

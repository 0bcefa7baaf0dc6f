"""A check: one question to a deployed stack."""

from collections.abc import Callable
from dataclasses import dataclass

from hundredfold_cli.deployment_checks.row import Answer
from hundredfold_cli.deployment_checks.stage import Stage


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a deployed stack.

    Attributes
    ----------
    name : what `--only` takes
    expected : in words
    source : the address of what the expectation rests on
    ask : observes the stack, and judges what it sees
    not_local : why the local stack cannot answer; empty if it can
    needs_own_stack : whether it changes the stack, and so is asked only in one of the checks' own
    """

    name: str
    expected: str
    source: str
    ask: Callable[[Stage], Answer]
    not_local: str = ""
    needs_own_stack: bool = False

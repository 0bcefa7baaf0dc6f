"""Asking the checks one by one."""

from collections.abc import Callable, Iterable

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.errors import HundredfoldError
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.row import CannotAskError, Row, Verdict
from hundredfold_cli.deployment_checks.rows.deploying import DEPLOYS
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.errors import OptionError, explain


def chosen(checks: Iterable[Check], names: Iterable[str]) -> list[Check]:
    """Return the checks of these names, or all if there is no name.

    Raises
    ------
    OptionError
        If there is no check of a name; the message has all names.
    """
    by_name = {check.name: check for check in checks}
    wanted = list(names)
    if unknown := [name for name in wanted if name not in by_name]:
        raise OptionError(f"--only {unknown[0]}: there is no such check; there are {', '.join(by_name)}")
    return [check for check in by_name.values() if not wanted or check.name in wanted]


def ask(checks: Iterable[Check], stage: Stage, done: Callable[[Row], None] = lambda _: None) -> list[Row]:
    """Ask each check, and return their rows. One that fails does not stop the others.

    Parameters
    ----------
    done : called with each row once it is there
    """
    rows = []
    for check in checks:
        row = answer_of(check, stage)
        done(row)
        rows.append(row)
    return rows


def without_stack(checks: Iterable[Check], refusal: str) -> list[Row]:
    """Return the rows of a run whose stack could not be deployed: its deployment differs, and nothing else was asked.

    Parameters
    ----------
    refusal : why it could not be deployed
    """
    rest = (check for check in checks if check is not DEPLOYS)
    not_asked = (_row(check, "there was no stack to ask", Verdict.NOT_ASKED) for check in rest)
    return [_row(DEPLOYS, refusal, Verdict.DIFFERS), *not_asked]


def answer_of(check: Check, stage: Stage) -> Row:
    """Ask one check. An error is what was seen, and differs from what is expected."""
    if check.needs_own_stack and not stage.is_own:
        return _row(check, "it changes the stack, and this is not one of the checks' own", Verdict.NOT_ASKED)
    if check.not_local and not stage.on_aws:
        return _row(check, f"the local stack cannot answer: {check.not_local}", Verdict.NOT_ASKED)
    try:
        answer = check.ask(stage)
    except CannotAskError as reason:
        return _row(check, str(reason), Verdict.NOT_ASKED)
    except (HundredfoldError, ClientError, BotoCoreError) as error:
        return _row(check, explain(error)[1], Verdict.DIFFERS)
    return _row(check, answer.seen, Verdict.AS_EXPECTED if answer.agrees else Verdict.DIFFERS)


def _row(check: Check, seen: str, verdict: Verdict) -> Row:
    return Row(check.name, check.expected, seen, verdict, check.source)

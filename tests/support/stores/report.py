"""Alters the stores of ingests on a local stack of its own, and prints what finds each (`make store-mutations`)."""

import os
import sys
from collections import Counter

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.support.deployed import PARAMETERS, deployed
from tests.support.stores.mutations import MUTATIONS, Finder
from tests.support.stores.subjects import Found, find_alteration, make_subjects

_SAYS_CHARACTERS = 110


def main() -> None:
    out = Console(highlight=False, width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "200")))
    table = Table("what is altered", "in", "found by", "which says, or why nothing can", box=SIMPLE)
    counts: Counter[str] = Counter()
    with deployed("store-mutations", PARAMETERS) as stack:
        subjects = make_subjects(stack)
        for mutation in MUTATIONS:
            found = find_alteration(subjects[mutation.subject], mutation)
            if not found.by and mutation.by is Finder.AGAIN:
                again = find_alteration(subjects[mutation.subject], mutation, again=True)
                found = Found(Finder.AGAIN, again.says) if again.by else found
            kind, finder, says = _verdict(found, mutation.cannot)
            counts[kind] += 1
            cells = (f"{mutation.store}: {mutation.what}", mutation.subject.name.lower(), finder, says)
            table.add_row(*cells)
    out.print(table)
    out.print(
        f"  {len(MUTATIONS)} alterations: {counts['verify']} found by verify, {counts['again']} by verify --again, "
        f"{counts['cannot']} cannot be found, {counts['missed']} missed"
    )
    if counts["missed"]:
        raise SystemExit(1)


def _verdict(found: Found, cannot: str) -> tuple[str, str, str]:
    """Return the kind of a result, what found the alteration, and what that says or why nothing can find it."""
    says = found.says if len(found.says) <= _SAYS_CHARACTERS else f"{found.says[:_SAYS_CHARACTERS]} …"
    if found.by == Finder.AGAIN:
        return "again", found.by, escape(says)
    if found.by:
        return "verify", found.by, escape(says)
    return ("cannot", "nothing", escape(cannot)) if cannot else ("missed", "[bold red]nothing[/]", "")


if __name__ == "__main__":
    main()

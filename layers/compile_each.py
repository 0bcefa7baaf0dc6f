"""Compiles Python files, each in a process that has compiled nothing before. `compile_python` runs this as a script.

What CPython writes into a `.pyc` depends on the strings that its process has interned. Two equal sets of strings in a
module (`step in {"drop", "passthrough"}`) are one object. If the process met the name `drop` in another file before,
they become two, and marshal writes both (`intern_constants` in CPython 3.13's Objects/codeobject.c). So the same source
gives other bytes after other files. Here each file is compiled by a fork of one process that stays as it started: the
order of files and what else is compiled make no difference.

It imports only what it needs, and nothing of this project, so that it starts in the same state everywhere.
"""

import json
import os
import py_compile
import sys


def main() -> None:
    """Read `[[source, compiled, name in tracebacks], …]` as JSON. End with exit code 1 if one cannot be compiled."""
    files = json.load(sys.stdin.buffer)
    at_once = os.cpu_count() or 1
    running = 0
    failed = False
    for source, compiled, deployed in files:
        if running == at_once:
            failed |= _wait()
            running -= 1
        if os.fork() == 0:
            os._exit(_compile(source, compiled, deployed))
        running += 1
    while running:
        failed |= _wait()
        running -= 1
    sys.exit(1 if failed else 0)


def _compile(source: str, compiled: str, deployed: str) -> int:
    try:
        os.makedirs(os.path.dirname(compiled), exist_ok=True)  # noqa: PTH103, PTH120 - pathlib interns parts of paths
        py_compile.compile(
            source,
            compiled,
            deployed,
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except Exception as error:
        sys.stderr.write(f"{source}: {error}\n")
        sys.stderr.flush()
        return 1
    return 0


def _wait() -> bool:
    """Wait until one process has ended. Return whether it failed."""
    _, status = os.wait()
    return os.waitstatus_to_exitcode(status) != 0


if __name__ == "__main__":
    main()

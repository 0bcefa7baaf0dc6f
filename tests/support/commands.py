"""The hundredfold command, as tests run it: each time in a process of its own, forked from one that has imported it.

Importing takes 0.7 s of processor time, and the tests run the command some hundred times. The examples of docs/ run it
as a person does.
"""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

_lock = threading.Lock()
_parent: "subprocess.Popen[str] | None" = None


def run_command(
    arguments: tuple[str, ...], environment: Mapping[str, str], given: str, seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Run the command; one that takes longer is an error, and is killed.

    Parameters
    ----------
    given : its standard input
    """
    with tempfile.TemporaryDirectory() as folder, _lock:
        files = [str(Path(folder, name)) for name in ("in", "out", "err")]
        Path(files[0]).write_text(given)
        argv = ["hundredfold", *arguments]
        asked = {"argv": argv, "environment": dict(environment), "files": files}
        parent = _started()
        assert parent.stdin
        assert parent.stdout
        parent.stdin.write(f"{json.dumps(asked)}\n")
        parent.stdin.flush()
        late = threading.Timer(seconds, parent.kill)
        late.start()
        answer = parent.stdout.readline()
        late.cancel()
        assert answer, f"hundredfold {' '.join(arguments)} took longer than {seconds} s, or its process died"
        out, err = (Path(name).read_text() for name in files[1:])
        return subprocess.CompletedProcess(argv, int(answer), out, err)


def _started() -> "subprocess.Popen[str]":
    global _parent
    if _parent is None or _parent.poll() is not None:
        _parent = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment()
        )
        atexit.register(_stop, _parent)
    return _parent


def _stop(parent: "subprocess.Popen[str]") -> None:
    parent.kill()
    parent.communicate()


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "160"}  # which is read when the command is imported


def _serve() -> None:
    import typer._adapters  # noqa: F401 - which typer imports as late as it can

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked["argv"], asked["environment"], asked["files"])
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(argv: list[str], environment: dict[str, str], files: list[str]) -> NoReturn:
    """Do in a forked process what the command does in its own."""
    for number, (name, mode) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(name, mode | os.O_CREAT), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    from hundredfold_cli.main import run

    code: object = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # as the interpreter does
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve()

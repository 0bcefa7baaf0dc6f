#!/usr/bin/env bash
# Prints the path of a Python 3.13, or says how to get one. Used by the Makefile to make its environment.
set -u

is_wanted() {
    "$1" -c 'import sys, venv, ensurepip; raise SystemExit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1
}

for candidate in "${PYTHON313:-}" python3.13 python3 python \
    "${HOME:-}"/.pyenv/versions/3.13*/bin/python "${HOME:-}"/.local/share/uv/python/cpython-3.13*/bin/python \
    /usr/local/bin/python3.13 /opt/homebrew/bin/python3.13 /opt/python/3.13*/bin/python; do
    if [ -n "$candidate" ] && is_wanted "$candidate"; then
        # The real interpreter, not a launcher that looks at the current folder.
        "$candidate" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'
        exit 0
    fi
done

cat >&2 <<'EOF'
Hundredfold needs Python 3.13 (with venv), the version of its Lambda functions, and found none.
Get one, then run make again:
    uv python install 3.13          (if you have uv)
    pyenv install 3.13              (if you have pyenv)
    apt install python3.13-venv     (Debian 13, Ubuntu 25.04 and later)
    brew install python@3.13        (macOS)
or name one:  make PYTHON313=/path/to/python3.13 ...
EOF
exit 1

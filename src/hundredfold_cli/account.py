"""Who runs the command."""

import getpass
import os
import platform


def user() -> str:
    """Return the name that cards and versions have as their maker: HUNDREDFOLD_USER, or the name of the account."""
    if named := os.environ.get("HUNDREDFOLD_USER"):
        return named
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def user_and_host() -> str:
    """Return the name that claims and locks have as their holder, such as `alice on build-7`."""
    return f"{user()} on {platform.node() or 'an unnamed machine'}"

"""Pictures of pages, made by a Chromium that is installed on this machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hundredfold_cli.errors import NotThereError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DESKTOP = (1280, 900)
PHONE = (390, 844)
type Scheme = Literal["light", "dark"]


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def browser() -> "Iterator[Browser]":
    """Start the Chromium that is installed; raises NotThereError, saying how to install it, if there is none."""
    path = find_chromium()
    if path is None:
        raise NotThereError("pictures need a Chromium, and none is installed; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # As root, Chromium's sandbox does not work; what is opened is our own page, which loads nothing.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield started
        finally:
            started.close()


def take(page: Path, picture: Path, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light") -> None:
    """Write the whole of a page as a PNG; raises NotThereError if there is no Chromium."""
    with browser() as started:
        context = started.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, offline=True, device_scale_factor=1
        )
        tab = context.new_page()
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=picture, full_page=True)

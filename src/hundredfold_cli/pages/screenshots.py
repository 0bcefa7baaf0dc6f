"""Screenshots of pages, made by the Chromium that is installed on this machine."""

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
    """Start the Chromium that is installed, and close it at the end of the context.

    Raises
    ------
    NotThereError
        If there is none; the message says how to install it.
    """
    path = find_chromium()
    if path is None:
        raise NotThereError("--png needs a Chromium, and none is installed; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # As root, Chromium's sandbox does not work. It opens our own page only, which loads nothing.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield chromium
        finally:
            chromium.close()


def take_screenshot(page: Path, png: Path, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light") -> None:
    """Write a picture of a whole page.

    Parameters
    ----------
    page : the HTML file
    size : of the window, in pixels: width and height

    Raises
    ------
    NotThereError
        If there is no Chromium.
    """
    with browser() as chromium:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, offline=True, device_scale_factor=1
        )
        tab = context.new_page()
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=png, full_page=True)

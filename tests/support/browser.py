# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, driven by Playwright, that trusts exactly the authorities it is given."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.support import programs, timeouts

EXECUTABLE = "/usr/bin/chromium"
#: Chromium refuses to run as root inside its own sandbox; the rest keeps it from calling home and
#: makes pictures the same on every machine.
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-color-profile=srgb",
]


def home_that_trusts(home: Path, authority: Path | None) -> Path:
    """Make a home folder whose certificate store trusts ``authority`` (PEM), or nobody."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    programs.run("certutil", "-d", database, "-N", "--empty-password")
    if authority is not None:
        add = ["-A", "-n", "host under test", "-t", "C,,", "-i", str(authority)]
        programs.run("certutil", "-d", database, *add)
    return home


@contextlib.contextmanager
def launched(playwright: Playwright, home: Path) -> Iterator[Browser]:
    """Run a browser with ``home`` as its home folder."""
    # Settings of the machine that runs the tests, such as a proxy, are not those of a reader.
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    browser = playwright.chromium.launch(
        executable_path=EXECUTABLE,
        args=ARGUMENTS,
        env={**environment, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")},
        timeout=timeouts.BROWSER_S * 1000,
    )
    try:
        yield browser
    finally:
        browser.close()

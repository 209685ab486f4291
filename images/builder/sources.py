# SPDX-License-Identifier: Apache-2.0
"""apt sources for trixie, made from the mirrors that the host itself uses."""

import subprocess
from dataclasses import dataclass
from urllib.parse import urlparse

from builder.errors import BuildError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Mirrors:
    """Base addresses of the main and the security archive."""

    main: str
    security: str


def of_host() -> Mirrors:
    """Asks apt which archives the host is configured with; BuildError when one of the two is not there.

    Only entries of Debian itself count (Origin and label as the Release file gives them), so that other
    repositories of the host never become a source of the image.
    """
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)\t$(REPO_URI)\t$(ORIGIN)\t$(LABEL)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    main = security = ""
    for line in listing.stdout.splitlines():
        _, uri, origin, label = (line.split("\t") + [""] * 4)[:4]
        if origin and origin != "Debian":
            continue
        path = urlparse(uri).path.rstrip("/")
        if label == "Debian-Security" or path.endswith("debian-security"):
            security = security or uri.rstrip("/")
        elif label in {"Debian", ""} and path.endswith("debian"):
            main = main or uri.rstrip("/")
    if not main or not security:
        missing = "Debian archive" if not main else "Debian security archive"
        raise BuildError(
            f"The host's apt sources name no {missing}.",
            hint="Add it to /etc/apt/sources.list.d, run apt-get update, and try again: the build uses the host's own mirrors.",
        )
    return Mirrors(main, security)


def deb822(mirrors: Mirrors, suite: str = "trixie") -> str:
    """A deb822 sources file: the suite with its updates, security and backports archives, component main."""
    entries = [
        (mirrors.main, f"{suite} {suite}-updates {suite}-backports"),
        (mirrors.security, f"{suite}-security"),
    ]
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n" for uri, suites in entries
    )

# SPDX-License-Identifier: Apache-2.0
"""apt sources for trixie, made from the mirrors that the host itself uses."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from builder.errors import BuildError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FORMAT = "$(REPO_URI)\t$(ORIGIN)\t$(LABEL)"
# What the tools tree can read as well as the host: a medium or a folder of the host it cannot.
SCHEMES = {"http", "https"}


@dataclass(frozen=True)
class Mirrors:
    """Base addresses of the main and the security archive."""

    main: str
    security: str


def of_host() -> Mirrors:
    """Ask apt which archives the host is configured with; BuildError when one of two is not there.

    Only entries of Debian itself count (Origin and label as the Release file gives them), so that
    other repositories never become a source of the image. Before the first `apt-get update` a host
    knows no origins; then, and only then, the path of the address has to do.
    """
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", FORMAT, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [(line.split("\t") + [""] * 3)[:3] for line in listing.stdout.splitlines()]
    found: dict[str, str] = {}
    for known in (True, False):
        for uri, origin, label in rows:
            address = _address(uri)
            archive = _archive(address, origin, label, known=known)
            if address and archive:
                found.setdefault(archive, address)
    for archive in ("Debian", "Debian-Security"):
        if archive not in found:
            name = "security archive" if archive == "Debian-Security" else "archive"
            raise BuildError(
                f"The host's apt sources name no Debian {name} that is reached by http or https.",
                hint="Add it to /etc/apt/sources.list.d, run apt-get update, and try again: "
                "the build uses the host's own mirrors.",
            )
    return Mirrors(found["Debian"], found["Debian-Security"])


def _archive(address: str, origin: str, label: str, *, known: bool) -> str:
    """Which of the two archives an entry is, by its Release file, or by its path when unknown."""
    if known:
        return label if origin == "Debian" and label in {"Debian", "Debian-Security"} else ""
    if origin:
        return ""
    last = urlparse(address).path.rpartition("/")[2]
    return {"debian": "Debian", "debian-security": "Debian-Security"}.get(last, "")


def _address(uri: str) -> str:
    """Address without a slash at its end, or nothing if it is not one that the tree can use.

    Debian's cloud images name their mirrors in a list (apt-transport-mirror(1)); its first entry
    stands for it.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "mirror+file":
        path = Path("/" + rest.lstrip("/"))
        lines = path.read_text().splitlines() if path.is_file() else []
        words = [line.split("#")[0].split() for line in lines]
        uri = next((line[0] for line in words if line), "")
        scheme = uri.partition(":")[0]
    return uri.rstrip("/") if scheme in SCHEMES else ""


def deb822(mirrors: Mirrors, suite: str = "trixie") -> str:
    """Return a deb822 sources file: the suite, its updates, security and backports, main only."""
    entries = [
        (mirrors.main, f"{suite} {suite}-updates {suite}-backports"),
        (mirrors.security, f"{suite}-security"),
    ]
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n"
        for uri, suites in entries
    )

# SPDX-License-Identifier: Apache-2.0
"""The variables that `make TARGET NAME=value` takes."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.errors import BuildError
from builder.paths import Paths
from builder.version import VALID


@dataclass
class Settings:
    """One field a variable; the names on the command line are the upper-case field names."""

    flavour: str = "general"
    port: int = 3030
    ssh_port: int = 3022
    memory: int = 2048
    cpus: int = 2
    tests: str = ""
    rows: str = ""
    repeats: int = 0
    keep: int = 0
    minimum_from: str = ""
    suite: str = ""
    debug: bool = False


HELP = {
    "FLAVOUR": "which image: a folder of images/flavours (general)",
    "PORT": "port of the page on 127.0.0.1 (3030)",
    "SSH_PORT": "port of ssh on 127.0.0.1 (3022)",
    "MEMORY": "memory of the guest in MiB (2048)",
    "CPUS": "processors of the guest (2)",
    "TESTS": "what `make test` runs instead of everything, e.g. TESTS=tests/host",
    "ROWS": "what `make bench` measures instead of everything, e.g. ROWS='uki codex-help'",
    "REPEATS": "how often `make bench` measures each row (by row)",
    "KEEP": "how many of the newest versions `make release` leaves in build/release (all)",
    "MINIMUM_FROM": "the oldest version from which hosts may take what `make release` adds (any)",
    "SUITE": "the Debian of `make host` and `bundle` (trixie), or a scenario of `test-roles` (all)",
    "DEBUG": "1 shows the traceback of an error",
}
LIMITS = {
    "PORT": (1, 65535),
    "SSH_PORT": (1, 65535),
    "MEMORY": (1024, 1 << 20),
    "CPUS": (1, 255),
    "REPEATS": (1, 99),
    "KEEP": (1, 999),
}


def split(text: str) -> list[str]:
    r"""Undo the quoting of make's variable MAKEOVERRIDES: ``A=a\ b B=$$x`` -> ``A=a b``, ``B=$x``.

    A backslash stands before a blank or a backslash, a dollar sign is doubled, and blanks separate.
    """
    words = re.findall(r"(?:\\.|[^\\ \t\n])+", text, re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL).replace("$$", "$") for word in words]


def parse(words: Iterable[str], paths: Paths) -> Settings:
    """Read ``NAME=value`` words; an unknown name or an impossible value is a BuildError."""
    settings = Settings()
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or name not in HELP:
            near = difflib.get_close_matches(name.upper(), HELP, 1, 0.5)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise BuildError(
                f"There is no variable {name}.", hint=f"{hint}Known: {', '.join(HELP)}.", code=2
            )
        _set(settings, name, value, paths)
    if settings.port == settings.ssh_port:
        raise BuildError(
            "PORT and SSH_PORT are the same.", hint="Give two different ports.", code=2
        )
    return settings


def _set(settings: Settings, name: str, value: str, paths: Paths) -> None:
    if name == "FLAVOUR":
        settings.flavour = _flavour(value, paths)
    elif name == "TESTS":
        settings.tests = _tests(value, paths)
    elif name == "ROWS":
        settings.rows = value
    elif name == "SUITE":
        settings.suite = _suite(value, paths)
    elif name == "MINIMUM_FROM":
        if not VALID.fullmatch(value):
            hint = "It is one of build/release, such as 0.1.281."
            raise BuildError(f"MINIMUM_FROM={value} is no version.", hint=hint, code=2)
        settings.minimum_from = value
    elif name == "DEBUG":
        if value not in {"0", "1", ""}:
            raise BuildError("DEBUG is 0 or 1.", hint="DEBUG=1 shows tracebacks.", code=2)
        settings.debug = value == "1"
    else:
        setattr(settings, name.lower(), _number(name, value))


def _flavour(value: str, paths: Paths) -> str:
    folder = paths.root / "images/flavours"
    flavours = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if value not in flavours:
        hint = f"Flavours: {', '.join(flavours)}."
        raise BuildError(f"There is no flavour {value!r}.", hint=hint, code=2)
    return value


def _suite(value: str, paths: Paths) -> str:
    """Return a scenario of the roles' tests; those named after a release are also hosts to boot."""
    folder = paths.root / "tests/molecule"
    found = sorted(entry.parent.name for entry in folder.glob("*/molecule.yml"))
    if value not in found:
        hint = f"Suites: {', '.join(found)}."
        raise BuildError(f"There is no suite {value!r}.", hint=hint, code=2)
    return value


def _tests(value: str, paths: Paths) -> str:
    """Files and folders below tests/, each perhaps with ``::name``; nothing else reaches pytest."""
    folder = paths.root / "tests"
    for part in value.split():
        path = Path(paths.root, part.partition("::")[0]).resolve()
        if not path.exists() or not path.is_relative_to(folder.resolve()):
            hint = "Name files or folders below tests/."
            raise BuildError(f"There are no tests at {part!r}.", hint=hint, code=2)
    return value


def _number(name: str, value: str) -> int:
    low, high = LIMITS[name]
    if not re.fullmatch(r"[0-9]{1,7}", value) or not low <= int(value) <= high:
        hint = f"{name} is a number from {low} to {high}."
        raise BuildError(f"{name}={value} is not possible.", hint=hint, code=2)
    return int(value)

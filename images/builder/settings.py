# SPDX-License-Identifier: Apache-2.0
"""The variables that `make TARGET NAME=value` takes."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from builder.errors import BuildError
from builder.paths import Paths


@dataclass(frozen=True)
class Settings:
    """One field a variable; the names on the command line are the upper-case field names."""

    flavour: str = "general"
    port: int = 3030
    ssh_port: int = 3022
    memory: int = 2048
    cpus: int = 2
    tests: str = ""
    debug: bool = False


HELP = {
    "FLAVOUR": "which image: a folder of images/flavours (general)",
    "PORT": "port of the page on 127.0.0.1 (3030)",
    "SSH_PORT": "port of ssh on 127.0.0.1 (3022)",
    "MEMORY": "memory of the guest in MiB (2048)",
    "CPUS": "processors of the guest (2)",
    "TESTS": "what `make test` runs instead of everything, e.g. TESTS=tests/host",
    "DEBUG": "1 shows the traceback of an error",
}


def parse(words: Iterable[str], paths: Paths) -> Settings:
    """Reads ``NAME=value`` words; an unknown name, flavour or an impossible value is a BuildError."""
    settings = Settings()
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or name not in HELP:
            near = difflib.get_close_matches(name.upper(), HELP, 1, 0.5)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise BuildError(f"There is no variable {name}.", hint=f"{hint}Known: {', '.join(HELP)}.", code=2)
        settings = replace(settings, **_field(name, value, paths))
    if settings.port == settings.ssh_port:
        raise BuildError("PORT and SSH_PORT are the same.", hint="Give two different ports.", code=2)
    return settings


def _field(name: str, value: str, paths: Paths) -> dict[str, str | int | bool]:
    if name == "FLAVOUR":
        flavours = sorted(entry.name for entry in (paths.root / "images/flavours").iterdir() if entry.is_dir())
        if value not in flavours:
            raise BuildError(f"There is no flavour {value!r}.", hint=f"Flavours: {', '.join(flavours)}.", code=2)
        return {"flavour": value}
    if name == "TESTS":
        for part in value.split():
            if not (paths.root / part.partition("::")[0]).exists():
                raise BuildError(f"There are no tests at {part!r}.", hint="Name files or folders below tests/.", code=2)
        return {"tests": value}
    if name == "DEBUG":
        if value not in {"0", "1", ""}:
            raise BuildError("DEBUG is 0 or 1.", code=2)
        return {"debug": value == "1"}
    limits = {"PORT": (1, 65535), "SSH_PORT": (1, 65535), "MEMORY": (1024, 1 << 20), "CPUS": (1, 255)}
    low, high = limits[name]
    if not re.fullmatch(r"[0-9]{1,7}", value) or not low <= int(value) <= high:
        raise BuildError(f"{name}={value} is not possible.", hint=f"{name} is a number from {low} to {high}.", code=2)
    return {name.lower(): int(value)}

# SPDX-License-Identifier: Apache-2.0
"""A view of a suite's archive of its own: the host's apt state is neither used nor changed."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder import command, sources
from builder.errors import BuildError


@dataclass(frozen=True)
class Package:
    """One binary package as the archive lists it."""

    name: str
    version: str
    architecture: str
    sha256: str


class Archive:
    """Runs apt with configuration, lists and cache below one folder."""

    def __init__(self, folder: Path, log: Path, suite: str = "trixie") -> None:
        self.folder = folder
        self.log = log
        self.suite = suite

    @property
    def sources(self) -> Path:
        """The mirrors of this machine, with the suites that are read."""
        return self.folder / f"sources/{self.suite}.sources"

    def _options(self) -> list[str]:
        f = self.folder
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": str(f / "sources"),
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": str(f / "preferences"),
            "Dir::State": str(f / "state"),
            "Dir::State::status": str(f / "status"),
            "Dir::Cache": str(f / "cache"),
            "APT::Install-Recommends": "false",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
        }
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def refresh(self) -> None:
        """Write the configuration and fetch the lists; BuildError when a mirror is silent."""
        for name in ("sources", "preferences", "state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        self.sources.write_text(sources.deb822(sources.of_host(), self.suite))
        try:
            command.run(
                ["apt-get", *self._options(), "-q", "-o", "APT::Update::Error-Mode=any", "update"],
                log=self.log,
            )
        except BuildError as error:
            raise BuildError(
                f"The package lists of Debian {self.suite} could not be fetched from the host's "
                "mirrors.",
                hint=f"Check the network and /etc/apt/sources.list.d. {error.hint}",
            ) from error

    def download(self, packages: Sequence[Package], folder: Path) -> None:
        """Fetch packages in exactly these versions; apt compares their sums with the lists."""
        if not packages:
            return
        # Who apt drops its rights to may not write here.
        options = [*self._options(), "-o", "APT::Sandbox::User=root"]
        argv = ["apt-get", *options, "-q", "download"]
        argv += [f"{package.name}={package.version}" for package in packages]
        command.run(argv, log=self.log, cwd=folder, hint="The mirror failed.")

    def show(self, names: Iterable[str]) -> list[Package]:
        """Every version that the archive has of the named packages; unknown names are left out."""
        asked = sorted(set(names))
        if not asked:
            return []
        done = subprocess.run(
            ["apt-cache", *self._options(), "show", *asked],
            capture_output=True,
            text=True,
            check=False,
        )
        return [_package(block) for block in done.stdout.split("\n\n") if block.strip()]

    def closure(self, names: Sequence[str]) -> list[Package]:
        """Return what apt would install for the named packages on a system of essential ones."""
        done = subprocess.run(
            ["apt-get", *self._options(), "--simulate", "install", "?essential", *names],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BuildError(
                "apt cannot install the packages that are asked for.",
                hint=done.stderr.strip()[-1500:],
            )
        chosen: dict[str, str] = {}
        for line in done.stdout.splitlines():
            words = line.split()
            if words[:1] == ["Inst"]:
                chosen[words[1]] = words[2].lstrip("(")
        return sorted(
            (p for p in self.show(chosen) if chosen.get(p.name) == p.version),
            key=lambda package: package.name,
        )


def _package(block: str) -> Package:
    fields: dict[str, str] = {}
    for line in block.splitlines():
        key, separator, value = line.partition(": ")
        if separator and not line.startswith(" "):
            fields[key] = value.strip()
    return Package(
        fields["Package"], fields["Version"], fields["Architecture"], fields.get("SHA256", "")
    )

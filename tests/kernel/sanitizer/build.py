# SPDX-License-Identifier: Apache-2.0
"""Builds the sanitizer kernel and the modules for it, from the source that Debian's kernel is of.

Ten minutes on two processors; nothing is built again while source, configuration and compiler are
the same. The modules are compiled each time, in a copy, which takes seconds.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FRAGMENT = Path(__file__).with_name("config")
SOURCES = Path(__file__).parents[3] / "kernel/linux"
_WANTED = re.compile(r"^(CONFIG_\w+=.+|# CONFIG_\w+ is not set)$", re.MULTILINE)
#: Options that Kconfig may leave out of its file because nothing could turn them on.
_OFF = re.compile(r"# (CONFIG_\w+) is not set")


class SanitizerError(Exception):
    """The kernel or its modules could not be built; the text says which step, and its words."""


@dataclass(frozen=True)
class Sanitizer:
    """Where everything of it lies, below one folder."""

    folder: Path
    archive: Path

    @property
    def image(self) -> Path:
        """The kernel that guests boot."""
        return self.folder / "vmlinuz"

    @property
    def modules(self) -> Path:
        """Folder of ai_mem.ko and ai_gpu.ko."""
        return self.folder / "modules"

    @property
    def _objects(self) -> Path:
        return self.folder / "kernel"

    @property
    def _source(self) -> Path:
        return self.folder / "source"

    def ensure(self) -> None:
        """Build what is not up to date; SanitizerError with the end of what the step said."""
        stamp = self.folder / "stamp"
        wanted = self._identity()
        if not (stamp.exists() and stamp.read_text() == wanted and self.image.exists()):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self._unpack()
            self._configure()
            self._make("bzImage", "modules_prepare")
            # What modules may use; without modules of its own the kernel does not write it.
            shutil.copy(self._objects / "vmlinux.symvers", self._objects / "Module.symvers")
            shutil.copy(self._objects / "arch/x86/boot/bzImage", self.image)
            stamp.write_text(wanted)
        self._compile_modules()

    def _identity(self) -> str:
        if not self.archive.exists():
            raise SanitizerError(
                f"{self.archive} is not there; `make test-kernel-sanitized` fetches it."
            )
        with self.archive.open("rb") as stream:
            source = hashlib.file_digest(stream, "sha256").hexdigest()
        compiler = self._run("gcc", "-dumpfullversion").strip()
        return f"{source} {hashlib.sha256(FRAGMENT.read_bytes()).hexdigest()} gcc {compiler}\n"

    def _unpack(self) -> None:
        self._source.mkdir()
        words = ["--extract", "--strip-components=1", "--no-same-owner", "--file"]
        self._run("tar", *words, str(self.archive), "--directory", str(self._source))

    def _configure(self) -> None:
        self._objects.mkdir()
        self._make("tinyconfig")
        merge = str(self._source / "scripts/kconfig/merge_config.sh")
        config = self._objects / ".config"
        self._run(merge, "-m", "-O", str(self._objects), str(config), str(FRAGMENT))
        self._make("olddefconfig")
        lost = missing(FRAGMENT.read_text(), config.read_text())
        if lost:
            raise SanitizerError(f"The kernel's configuration dropped {', '.join(lost)}.")

    def _make(self, *targets: str) -> None:
        jobs = f"-j{os.cpu_count()}"
        self._run("make", "-C", str(self._source), f"O={self._objects}", jobs, *targets)

    def _compile_modules(self) -> None:
        copy = self.folder / "linux"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.rmtree(self.modules, ignore_errors=True)
        shutil.copytree(SOURCES, copy)
        self._run("make", "-C", str(self._objects), f"M={copy}", "W=1", "modules")
        self.modules.mkdir()
        for module in copy.glob("*/*.ko"):
            shutil.copy(module, self.modules)

    def _run(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.folder.parent, capture_output=True, text=True)
        if done.returncode:
            said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
            raise SanitizerError(f"{' '.join(words)} failed:\n{said}")
        return done.stdout


def missing(fragment: str, config: str) -> list[str]:
    """Options of the fragment that the finished configuration does not have as they were asked."""
    lines = set(config.splitlines())
    lost = []
    for wanted in _WANTED.findall(fragment):
        off = _OFF.fullmatch(wanted)
        if off:
            if any(line.startswith(f"{off[1]}=") for line in lines):
                lost.append(wanted)
        elif wanted not in lines:
            lost.append(wanted)
    return lost

# SPDX-License-Identifier: Apache-2.0
"""The first stage: all files of a release, checked, in a folder that systemd-sysupdate reads."""

from __future__ import annotations

import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.provision import files
from codex_agent.update import delta, names, offer, sums
from codex_agent.update import release as description
from codex_agent.update.delta import Delta, Unsuitable, Wanted
from codex_agent.update.exits import UpdateError
from codex_agent.update.fetch import UNFINISHED, disk_error, matches
from codex_agent.update.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.update.fetch import Fetcher
    from codex_agent.update.offer import Offer, Verify
    from codex_agent.update.release import File, Release
    from codex_agent.update.system import System


@dataclass(frozen=True, slots=True)
class Staged:
    """How the root came: ``whole_because`` says why not as a delta, ``reused`` what was here.

    ``uki_because`` is the same for the UKI.
    """

    moved: int
    whole_because: str | None
    reused: str | None
    uki_because: str | None


@dataclass
class Stage:
    """The folder of one release; ``keep`` is the lock, ``tell`` gets progress, ``say`` words.

    ``uki`` is that of the running version, where it is known.
    """

    system: System
    keep: Sequence[int]
    tell: Callable[[str, int, int], None]
    say: Callable[[str], None]
    uki: Path | None = None

    def prepare(self, release: Release) -> None:
        """Make the folder, and remove from it what is not of this release."""
        folder = self.system.stage
        kept = {file.name for file in release.files.values()}
        kept |= {release.name(names.RELEASE), release.name(names.UNPACKED_ROOT)}
        kept |= {name + UNFINISHED for name in kept}
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            files.check(folder, files.SECRET_DIRECTORY, is_directory=True)
            for entry in folder.iterdir():
                if entry.name not in kept:
                    _remove(entry)
        except OSError as error:
            raise disk_error(error, folder) from None

    def fill(self, found: Offer, fetcher: Fetcher) -> Staged:
        """Bring all files; the checksums come last, so that they never name what is not there."""
        release, folder = found.release, self.system.stage
        before = fetcher.moved
        self._write(release.name(names.RELEASE), found.description)
        for role in ("signature", "verity", "manifest", "sbom"):
            file = release.files.get(role)
            if file is not None:
                fetcher.file(file.name, file.bytes, file.sha256, folder)
        # Chunks are kept for one file at a time: the largest comes last.
        uki_because = self._uki(release, fetcher)
        self._reset(release, fetcher)
        because, reused = self._root(release, fetcher)
        self._write(names.SIGNATURE, found.signature)
        self._write(names.SUMS, found.checksums)
        return Staged(fetcher.moved - before, because, reused, uki_because)

    def _uki(self, release: Release, fetcher: Fetcher) -> str | None:
        return self._efi(release.files["uki"], delta.uki(release), self.uki, fetcher)

    def _reset(self, release: Release, fetcher: Fetcher) -> None:
        seed = self.system.stage / release.files["uki"].name
        self._efi(release.files["reset"], delta.reset(release), seed, fetcher)

    def _efi(self, file: File, wanted: Wanted, seed: Path | None, fetcher: Fetcher) -> str | None:
        def whole() -> None:
            fetcher.file(file.name, file.bytes, file.sha256, self.system.stage)

        return self._bring(wanted, seed, fetcher, whole)[0]

    def _root(self, release: Release, fetcher: Fetcher) -> tuple[str | None, str | None]:
        wanted = delta.root(release)
        seed = self.system.path(self.system.seed)

        def whole() -> None:
            self._whole(release, fetcher, self.system.stage / wanted.name)

        return self._bring(wanted, seed, fetcher, whole)

    def _bring(
        self, wanted: Wanted, seed: Path | None, fetcher: Fetcher, whole: Callable[[], None]
    ) -> tuple[str | None, str | None]:
        """Put a file together, or fetch it whole; return why whole, and what was here."""
        system = self.system
        if matches(system.stage / wanted.name, wanted.bytes, wanted.sha256):
            return None, None
        maker = Delta(system.run, system.stage, system.work, system.chunks, self.keep, self.tell)
        try:
            outcome = maker.make(wanted, seed, fetcher)
        except Unsuitable as error:
            self.say(f"The whole {wanted.kind} is fetched: {error.reason}.")
            whole()
            return error.reason, None
        else:
            return None, outcome.reused

    def _whole(self, release: Release, fetcher: Fetcher, target: Path) -> None:
        file = release.files["root"]
        packed = fetcher.file(file.name, file.bytes, file.sha256, self.system.stage)
        unpack(
            self.system.run,
            packed,
            target,
            release.root_bytes,
            release.root_sha256,
            keep=self.keep,
            tell=self.tell,
        )
        packed.unlink()

    def _write(self, name: str, content: bytes) -> None:
        files.write(self.system.stage / name, content, files.SECRET_FILE)

    def clear(self) -> None:
        """Remove all that was fetched."""
        for folder in (self.system.stage, self.system.chunks, self.system.work):
            shutil.rmtree(folder, ignore_errors=True)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def staged(system: System, verify: Verify, architecture: str, version: str) -> Offer | None:
    """Return the release that lies whole in the stage, checked from its signature on, or None.

    It lets an update go on whose source is no longer there, such as a disk that was pulled out.
    """
    folder = system.stage

    def get(name: str) -> bytes:
        return _bounded(folder / name, description.LIMIT)

    try:
        checksums = _bounded(folder / names.SUMS, sums.LIMIT)
        signature = _bounded(folder / names.SIGNATURE, sums.SIGNATURE_LIMIT)
        key = verify(checksums, signature)
        found = offer.judge(checksums, signature, key, architecture, version, get)
    except (OSError, UpdateError):
        return None
    return found if whole(system, found.release) else None


def whole(system: System, release: Release, *, hashed: bool = True) -> bool:
    """Say whether every file that systemd-sysupdate will read is there as it was signed.

    Without ``hashed`` only their sizes are looked at: what is written is hashed before.
    """
    wanted = [
        (file.name, file.bytes, file.sha256)
        for role, file in release.files.items()
        if role in names.NEEDED - {"root"}
    ]
    wanted.append((release.name(names.UNPACKED_ROOT), release.root_bytes, release.root_sha256))
    if hashed:
        return all(matches(system.stage / name, size, digest) for name, size, digest in wanted)
    return all(_has_size(system.stage / name, size) for name, size, _ in wanted)


def _has_size(path: Path, size: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def _bounded(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(f"{path} is too long")
    return content

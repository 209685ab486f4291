# SPDX-License-Identifier: Apache-2.0
"""The folder that hosts update from: several versions, and one signed list of checksums.

A version is prepared in a folder of its own, ``.new``. Chunks and files are moved to their places
by renames; nobody looks for them before the checksums name them, and those come last. Only then is
removed what older versions had. What an interruption leaves is removed, or finished, by the next
run.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

from builder import update_key
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree
from builder.version import order

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.gpg"
STORE, SCRATCH = "store", ".new"
LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._~^-]*)")
# The root as it will lie in its slot. systemd-sysupdate compares that with the checksums, so they
# name it, although it travels as chunks or compressed. Its patterns also match what is longer than
# they are: no other name may begin with this one.
UNPACKED_ROOT = "root.erofs"
IMAGE = "codex-os"
# A file of a version; others that lie in the folder are nobody's business.
OURS = re.compile(rf"{IMAGE}_([0-9][0-9A-Za-z.~^-]*)_[a-z0-9-]+\.[a-z0-9.]+")
INDEX = ".caibx"
# A longer list no host reads (codex_agent/update/sums.py).
LIMIT = 512 * 1024  # bytes
KEEP = "make release KEEP=number leaves so many of the newest versions, and removes the others."


class Directory:
    """``build/release`` or another folder; ``listed`` are the checksums of what it offers.

    ``keep`` is how many of the newest versions stay; 0 is all of them.
    """

    def __init__(
        self, paths: Paths, tree: Tree, folder: Path | None = None, *, keep: int = 0
    ) -> None:
        self.paths = paths
        self.tree = tree
        self.folder = folder or paths.release
        self.keep = keep
        self.listed: dict[str, str] = {}
        self.leaving: set[str] = set()

    def open(self, coming: str = "") -> None:
        """Finish what was interrupted, read what is offered, and choose what leaves.

        What is signed again has to be what was signed before: other hands than ours may have been
        in a folder that is served.
        """
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._finish()
        shutil.rmtree(self.folder / SCRATCH, ignore_errors=True)
        sums, signature = self.folder / SUMS, self.folder / SIGNATURE
        if not sums.exists() and not signature.exists():
            return
        if not update_key.verified(self.paths, self.tree, sums, signature):
            raise self._altered(f"{SUMS} does not have the signature of keys/{update_key.PUBLIC}")
        self.listed = _parse(sums)
        self._choose(coming)
        for name, wanted in self.listed.items():
            path = self.folder / name
            if not os.path.lexists(path):
                if name.endswith(f".{UNPACKED_ROOT}") or _version(name) in self.leaving:
                    continue
                raise BuildError(
                    f"In {self.folder}, {name} was signed and is gone.",
                    hint=f"Restore it from your copy, or let its version go: {KEEP}",
                )
            if path.is_symlink() or not path.is_file() or digest(path) != wanted:
                raise self._altered(f"{name} is not what was signed")

    def _choose(self, coming: str) -> None:
        """Say which versions are older than those that stay."""
        versions = {_version(name) for name in self.listed} | {coming}
        newest = sorted(versions - {""}, key=lambda version: (order(version), version))
        self.leaving = set(newest[: -self.keep]) if self.keep else set()
        if coming in self.leaving:
            raise BuildError(
                f"{coming} is older than the newest {self.keep} of {self.folder}, which stay.",
                hint="Give a larger KEEP.",
            )

    def scratch(self) -> Path:
        """Return an empty folder to prepare a version in, on the same file system."""
        folder = self.folder / SCRATCH
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    def add(self, version: str, work: Path, sums: dict[str, str]) -> tuple[int, int, int]:
        """Offer the files of ``work``; return how many chunks it has, and the new ones' number
        and bytes.

        A version stays what it is: hosts may have fetched half of it.
        """  # noqa: D205 - one sentence
        changed = sorted(n for n in sums if self.listed.get(n, sums[n]) != sums[n])
        if changed:
            raise BuildError(
                f"{version} is in {self.folder} already, and this build of it is another "
                f"({changed[0]}).",
                hint="git commit (--allow-empty) gives a new version. Where no host has this one, "
                f"you may remove {self.folder} instead.",
            )
        known = any(name in self.listed for name in sums)
        staying = {name: d for name, d in self.listed.items() if _version(name) not in self.leaving}
        same = known and staying == self.listed
        self.listed = staying | sums
        prepared = self._sign(work) if not same else []
        counted = self._store(work / STORE)
        for path in sorted(work.iterdir()):
            if path.name in sums:
                path.chmod(0o644)
                path.replace(self.folder / path.name)
        # What the checksums name has to be on the disk before they are.
        os.sync()
        for path in prepared:
            path.replace(self.folder / path.name)
        os.sync()
        shutil.rmtree(work)
        return counted

    def tidy(self) -> None:
        """Remove the files and chunks that the list does not name, where versions may leave.

        They may be those of this run or of one that was cut. A host that has read the list of
        before looks again.
        """
        if not self.keep:
            return
        for path in sorted(self.folder.iterdir()):
            if OURS.fullmatch(path.name) and path.name not in self.listed:
                path.unlink()
        argv: list[str | Path] = ["casync", "gc", f"--store={self.folder / STORE}"]
        argv += [self.folder / name for name in sorted(self.listed) if name.endswith(INDEX)]
        self.tree.run(argv, log=self.paths.logs / "release.log")

    def _sign(self, work: Path) -> list[Path]:
        """Write the checksums of all versions and their signature; the signature is named first."""
        sums = work / SUMS
        content = "".join(f"{self.listed[n]}  {n}\n" for n in sorted(self.listed))
        if len(content) > LIMIT:
            number = len({_version(name) for name in self.listed})
            raise BuildError(
                f"The list of {number} versions would be longer than a host reads "
                f"({LIMIT // 1024} KiB).",
                hint=KEEP,
            )
        sums.write_text(content)
        sums.chmod(0o644)
        return [update_key.sign(self.paths, self.tree, sums), sums]

    def _store(self, chunks: Path) -> tuple[int, int, int]:
        """Move chunks to the store; one that lies there already is replaced by its equal."""
        total, new, size = 0, 0, 0
        for path in sorted(chunks.glob("*/*")):
            target = self.folder / STORE / path.relative_to(chunks)
            total += 1
            if not target.exists():
                new, size = new + 1, size + path.stat().st_size
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            path.chmod(0o644)
            path.replace(target)
        return total, new, size

    def _finish(self) -> None:
        """Name the checksums whose signature an interrupted run has named already."""
        waiting, signature = self.folder / SCRATCH / SUMS, self.folder / SIGNATURE
        if waiting.is_file() and signature.is_file():
            current = self.folder / SUMS
            ours = current.is_file() and update_key.verified(
                self.paths, self.tree, current, signature
            )
            if not ours and update_key.verified(self.paths, self.tree, waiting, signature):
                waiting.replace(current)

    def _altered(self, clause: str) -> BuildError:
        return BuildError(
            f"In {self.folder}, {clause}.",
            hint="Find out who changed it. Restore it from your copy, or remove it to begin anew.",
        )


def _version(name: str) -> str:
    """Return whose file it is; "" of a name that is not ours."""
    found = OURS.fullmatch(name)
    return found[1] if found else ""


def _parse(path: Path) -> dict[str, str]:
    found = [LINE.fullmatch(line) for line in path.read_text(errors="replace").splitlines()]
    return {match[2]: match[1] for match in found if match}


def digest(path: Path, kind: str = "sha256") -> str:
    """Return the hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()

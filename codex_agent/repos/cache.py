# SPDX-License-Identifier: Apache-2.0
"""Our own Git directory for a repository: it borrows the user's objects and writes nothing there.

Three directories, all ours, below the folder of one repository:

- ``git``: bare, with our configuration; the commit-graph with changed-path filters is written here.
- ``borrowed/N``: links to ``pack`` and to the directories of loose objects of one directory of
  objects each. Its ``info`` is not linked, so that neither alternates that somebody adds after the
  check nor a commit-graph of the user's are ever used.
- ``view``: links to the refs of the user, again with our configuration.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from codex_agent.provision import files
from codex_agent.repos.git import Git
from codex_agent.repos.limits import PASS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.place import Place

_MODE = files.SECRET_FILE
_LOCKS = ("commit-graph.lock", "commit-graphs/commit-graph-chain.lock")


class Cache:
    """Makes and keeps these directories; ``git`` and ``view`` run git on them."""

    def __init__(self, folder: Path, place: Place, program: str | None = None) -> None:
        self.folder = folder
        self.place = place
        self.git = Git(folder / "git", program)
        self.view = Git(folder / "view", program)

    def ensure(self) -> None:
        """Bring the directories to what ``place`` needs; what is right already is not written."""
        place = self.place
        borrowed = self.folder / "borrowed"
        for number, objects in enumerate(place.objects):
            _links(borrowed / str(number), {name: objects / name for name in _FANOUT})
        lent = b"".join(
            os.fsencode(borrowed / str(number)) + b"\n" for number in range(len(place.objects))
        )
        own = self.git.folder
        for name in ("objects/info", "objects/pack", "refs/heads", "info"):
            (own / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.view.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _put(own / "objects/info/alternates", lent)
        _put(own / "HEAD", b"ref: refs/heads/none\n")
        _put(own / "config", self._config("files"))
        if place.shallow:
            _put(own / "shallow", place.shallow)
            _put(self.view.folder / "shallow", place.shallow)
        else:
            (own / "shallow").unlink(missing_ok=True)
            (self.view.folder / "shallow").unlink(missing_ok=True)
        self._ensure_view()

    def _ensure_view(self) -> None:
        view, common = self.view.folder, self.place.common_dir
        _links(
            view,
            {
                "refs": common / "refs",
                "packed-refs": common / "packed-refs",
                "reftable": common / "reftable",
                "objects": self.git.folder / "objects",
            },
        )
        _put(view / "config", self._config(self.place.ref_format))
        _put(view / "HEAD", self.place.head)

    def _config(self, ref_format: str) -> bytes:
        lines = ["[core]", "\trepositoryformatversion = 1", "\tbare = true"]
        lines += ["\tcommitGraph = true", "\tlogAllRefUpdates = false", "\tmultiPackIndex = true"]
        lines += ["[extensions]"]
        if self.place.object_format != "sha1":
            lines.append(f"\tobjectFormat = {self.place.object_format}")
        if ref_format != "files":
            lines.append(f"\trefStorage = {ref_format}")
        return "\n".join([*lines, ""]).encode()

    def has_commit_graph(self) -> bool:
        """Whether a commit-graph was written."""
        info = self.git.folder / "objects/info"
        return (info / "commit-graph").exists() or (info / "commit-graphs").is_dir()

    def write_commit_graph(self, tips: Iterable[str], cancel: Cancel | None = None) -> bool:
        """Add what is reachable from ``tips``, with changed-path filters; only under the lock.

        False in a shallow repository, for which git writes none.
        """
        if self.place.shallow:
            return False
        info = self.git.folder / "objects/info"
        for name in _LOCKS:
            # Whoever held it has ended: we have the lock of the store.
            (info / name).unlink(missing_ok=True)
        given = "".join(f"{tip}\n" for tip in tips).encode()
        args = ["commit-graph", "write", "--stdin-commits", "--changed-paths", "--split"]
        self.git.output([*args, "--no-progress"], given=given, limits=PASS, cancel=cancel)
        return True

    def drop_commit_graph(self) -> None:
        """Forget the commit-graph: it may name objects that are not there any more."""
        info = self.git.folder / "objects/info"
        (info / "commit-graph").unlink(missing_ok=True)
        shutil.rmtree(info / "commit-graphs", ignore_errors=True)


_FANOUT = ("pack", *(f"{number:02x}" for number in range(256)))


def _links(folder: Path, wanted: dict[str, Path]) -> None:
    """Let ``folder`` have links of these names; one that leads elsewhere is replaced."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, target in wanted.items():
        link = folder / name
        try:
            if link.readlink() == target:
                continue
        except FileNotFoundError:
            pass
        except OSError:
            shutil.rmtree(link, ignore_errors=True)
        new = folder / f".new-{os.getpid()}-{name}"
        with suppress(FileNotFoundError):
            new.unlink()
        new.symlink_to(target)
        new.replace(link)


def _put(path: Path, content: bytes) -> None:
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    files.write(path, content, _MODE)

# SPDX-License-Identifier: Apache-2.0
"""The history of one repository: opened, brought up to date, and asked."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.provision import files
from codex_agent.repos import graph, lock, marks, passes
from codex_agent.repos.allow import id_of
from codex_agent.repos.cache import Cache
from codex_agent.repos.columns import numbers, raw, u32
from codex_agent.repos.errors import DamagedError, GoneError, QuestionError
from codex_agent.repos.git import Git
from codex_agent.repos.people import People, resolve
from codex_agent.repos.place import Place, look
from codex_agent.repos.points import lookup, points
from codex_agent.repos.refs import HEAD, Change, Ref, Refs, difference
from codex_agent.repos.refs import read as read_refs
from codex_agent.repos.store import DamagedStoreError, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.repos.cancel import Cancel

_LOCK = "lock"
_PATIENCE_S = 600.0
_REGULAR = (0o100644, 0o100755)
#: New commits that are told one by one; more of them are told as one change.
TOLD_MAX = 1000
#: Changes that are kept for readers that resume.
KEPT_CHANGES = 10_000


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update has brought: numbers of new commits, refs that differ, and a new generation.

    ``renewed`` says why the store was begun anew since it was opened, None where it was not.
    """

    first: int
    count: int
    changes: Sequence[Change]
    generation: int
    renewed: str | None = None


class History:
    """One repository with its store; any number of them may be open, in any number of processes."""

    def __init__(
        self, path: Path, roots: Sequence[Path], folder: Path, program: str | None = None
    ) -> None:
        self._path, self._roots, self._program = path, roots, program
        self.folder = folder
        files.directory(folder, files.SECRET_DIRECTORY)
        self.place = self._look()
        with lock.taken(folder / "lock.open", _PATIENCE_S):
            self.cache = Cache(folder, self.place, program)
            self.cache.ensure()
            self.store = Store(folder, self.place.id_bytes, _source(self.place))

    def _look(self) -> Place:
        return look(self._path, self._roots, Git(self.folder / "git", self._program))

    @property
    def id(self) -> str:
        """The id by which the repository is known; cursors hold it."""
        return id_of(self.place.path)

    def live_refs(self, cancel: Cancel | None = None) -> Refs:
        """Return the refs as they are now, without bringing the history up to date."""
        return read_refs(self.cache, self.refs().table, cancel)

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def update(self, cancel: Cancel | None = None) -> Updated:
        """Read what the repository has now; the cost is that of what is new.

        GoneError where it is not there any more; then all that is stored stays as it was.
        """
        with lock.taken(self.folder / _LOCK, _PATIENCE_S, cancel):
            place = self._look()
            if _source(place) != _source(self.place):
                self.store.close()
                self.store = Store(self.folder, place.id_bytes, _source(place))
            if place != self.place:
                self.place = place
                self.cache = Cache(self.folder, place, self._program)
            self.cache.ensure()
            try:
                return self._update(cancel)
            except DamagedStoreError as error:
                self.store.renew(error.message)
                return self._update(cancel)
            except DamagedError:
                # A repository that is being replaced looks damaged: what is true then is that.
                if self._look().identity != place.identity:
                    raise GoneError(
                        f"{place.path} was replaced while it was read.", "Ask again."
                    ) from None
                raise

    def _update(self, cancel: Cancel | None) -> Updated:
        store = self.store
        before = self.refs()
        now = read_refs(self.cache, before.table, cancel)
        told = difference(before, now)
        began = store.count
        print_ = now.fingerprint()
        if store.fact("fingerprint") == print_:
            return Updated(began, 0, (), store.generation, store.renewed)
        with store.writing():
            old_tips = before.tips()
            try:
                count = graph.read(store, self.cache, now.tips(), old_tips, cancel)
            except DamagedError:
                if not self.cache.has_commit_graph():
                    raise
                # It may name commits that were collected as garbage since.
                self.cache.drop_commit_graph()
                raise
            self._mark(now, began, count)
            self._set_refs(now)
            store.set_fact("fingerprint", print_)
            generation = store.generation + 1
            store.set_fact("generation", str(generation))
            self._tell(began, count, told)
            if generation > 1 and before.head != now.head:
                self.store.tell({"type": "head", "name": now.head})
        return Updated(began, count - began, told, generation, store.renewed)

    def refs(self) -> Refs:
        """Return the refs as they were when the history was last brought up to date."""
        rows = self.store.rows("SELECT name, target, target_commit FROM refs")
        table = {}
        for name, target, commit in rows:
            text = name.decode("utf-8", "surrogateescape")
            table[text] = Ref(text, target, commit)
        head = self.store.fact("head")
        return Refs(table, json.loads(head) if head is not None else None)

    def _set_refs(self, refs: Refs) -> None:
        self.store.db.execute("DELETE FROM refs")
        self.store.db.executemany(
            "INSERT INTO refs VALUES (?, ?, ?)",
            [
                (ref.name.encode("utf-8", "surrogateescape"), ref.target, ref.commit)
                for ref in refs.table.values()
            ],
        )
        self.store.set_fact("head", json.dumps(refs.head))

    def people(self, aliases: bytes = b"") -> People:
        """Return who the authors are, by the mailmap of HEAD and then by ``aliases``."""
        tip = self.refs().table.get(HEAD)
        content = b""
        if tip is not None and tip.commit is not None:
            read = points(self.cache)
            entry = lookup(read, tip.commit, b".mailmap")
            if entry is not None and entry.mode in _REGULAR:
                content = read.content(entry.oid)[1]
        return resolve(self.cache, self.store.authors(), content, aliases)

    # -- the graph as a whole

    def graph(self) -> marks.Graph:
        """Return the parents of every commit in the store."""
        start, parents = u32([0]), u32()
        for first, _ in self.store.spans("commits"):
            starts, more = self.store.parents(first)
            base = len(parents)
            start.extend(starts[1:] if not base else [base + at for at in starts[1:]])
            parents.extend(more)
        return marks.Graph(start, parents)

    def marks(self) -> marks.Marks | None:
        """Return which branch each commit belongs to; None before the first update."""
        rows = self.store.rows("SELECT crc, names, branch FROM marks")
        if not rows:
            return None
        crc, names, branch = rows[0]
        if zlib.crc32(names + branch) != crc:
            raise DamagedStoreError("The marks of branches are damaged.", "It is read again.")
        listed = json.loads(names)
        return marks.Marks(listed["names"], listed["tips"], numbers("I", branch))

    def _mark(self, refs: Refs, began: int, count: int) -> None:
        names = marks.order(refs)
        commits = [refs.table[name].commit or "" for name in names]
        found = self.store.numbers({bytes.fromhex(commit) for commit in commits})
        tips = [found[bytes.fromhex(commit)] for commit in commits]
        whole = self.graph()
        old = self.marks() if began else None
        made = marks.forward(whole, old, names, tips) if old is not None else None
        if made is None:
            made = marks.attribute(whole, names, tips)
        if len(made.branch) != count:
            raise DamagedStoreError("The blocks of commits do not hold all of them.", "")
        listed = json.dumps({"names": names, "tips": tips}).encode()
        branch = raw(made.branch)
        self.store.db.execute(
            "INSERT OR REPLACE INTO marks VALUES (1, ?, ?, ?)",
            (zlib.crc32(listed + branch), listed, branch),
        )

    # -- passes in the background

    def read_files(
        self, *, cancel: Cancel | None = None, tell: Callable[[passes.Progress], None] | None = None
    ) -> passes.Progress:
        """Read which files each commit changed, as far as that is not known."""
        return self._pass("files", 1, cancel, tell)

    def read_lines(
        self,
        *,
        workers: int = 2,
        cancel: Cancel | None = None,
        tell: Callable[[passes.Progress], None] | None = None,
    ) -> passes.Progress:
        """Count the lines that each commit changed, with renames, as far as that is not known."""
        return self._pass("lines", workers, cancel, tell)

    def _pass(
        self,
        which: passes.Which,
        workers: int,
        cancel: Cancel | None,
        tell: Callable[[passes.Progress], None] | None,
    ) -> passes.Progress:
        with lock.taken(self.folder / f"lock.{which}", _PATIENCE_S, cancel):
            return passes.run(
                self.store, self.cache, which, workers=workers, cancel=cancel, tell=tell
            )

    def write_commit_graph(self, cancel: Cancel | None = None) -> bool:
        """Write the commit-graph with changed-path filters; False where git has none for it."""
        with lock.taken(self.folder / "lock.graph", _PATIENCE_S, cancel):
            return self.cache.write_commit_graph(self.refs().tips(), cancel)

    # -- what has changed, in order

    def _tell(self, began: int, count: int, changes: Sequence[Change]) -> None:
        if began and count - began <= TOLD_MAX:
            for number in range(began, count):
                self.store.tell({"type": "new_commit", "number": number})
        elif count > began:
            self.store.tell({"type": "reloaded", "first": began, "count": count - began})
        for change in changes:
            self.store.tell({"type": f"ref_{change.kind}", "name": change.name,
                             "old": change.old, "new": change.new})  # fmt: skip
        self.store.db.execute(
            "DELETE FROM changes WHERE sequence <= (SELECT MAX(sequence) FROM changes) - ?",
            (KEPT_CHANGES,),
        )

    def last_sequence(self) -> int:
        """Return the number of the newest change, 0 where there is none."""
        row = self.store.rows("SELECT MAX(sequence) FROM changes")[0]
        return int(row[0] or 0)

    def since(self, sequence: int, limit: int = 1000) -> list[tuple[int, dict[str, object]]]:
        """Return changes after ``sequence``; QuestionError where they are not kept any more."""
        ends = self.store.rows("SELECT MIN(sequence), MAX(sequence) FROM changes")[0]
        lowest, highest = ends[0] or 1, ends[1] or 0
        if sequence > highest or sequence < lowest - 1:
            raise QuestionError(
                f"Changes after {sequence} are not kept; there are {lowest} to {highest}.",
                "Read the history anew, then follow from its last change.",
            )
        rows = self.store.rows(
            "SELECT sequence, data FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
            sequence, limit,
        )  # fmt: skip
        return [(number, json.loads(data)) for number, data in rows]


def _source(place: Place) -> str:
    """Return what must stay the same for stored commits to be right: parents are cut if shallow."""
    cut = hashlib.sha256(place.shallow).hexdigest() if place.shallow else "whole"
    return f"{place.object_format} {cut}"

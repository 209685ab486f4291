# SPDX-License-Identifier: Apache-2.0
"""The table of refs: read through our view of the repository, and compared with an earlier one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.repos.errors import DamagedError
from codex_agent.repos.limits import MIB, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_agent.repos.cache import Cache
    from codex_agent.repos.cancel import Cancel

HEAD = "HEAD"
_SHOWN = ("refs/heads", "refs/remotes", "refs/tags")
_LIMITS = Limits(time_s=60.0, out_bytes=256 * MIB)


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref; ``commit`` is what it comes to, None where that is no commit or is not there."""

    name: str
    target: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Refs:
    """All branches, remote branches and tags; ``head`` is a ref's name, or None when detached.

    ``table`` has the entry ``HEAD`` as well, unless HEAD is a branch that has no commit yet.
    """

    table: Mapping[str, Ref]
    head: str | None

    @property
    def unborn(self) -> bool:
        """Whether HEAD names a branch without a commit."""
        return HEAD not in self.table

    def tips(self) -> list[str]:
        """Return every commit that a ref comes to, each once, in a steady order."""
        found = {ref.commit for ref in self.table.values() if ref.commit is not None}
        return sorted(found)

    def fingerprint(self) -> str:
        """Return what differs when, and only when, the table differs."""
        digest = hashlib.sha256(f"{self.head}\n".encode("utf-8", "surrogateescape"))
        for name, ref in sorted(self.table.items()):
            line = f"{name} {ref.target} {ref.commit}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One ref that differs between two tables."""

    kind: Literal["created", "deleted", "moved"]
    name: str
    old: str | None
    new: str | None


def read(
    cache: Cache, known: Mapping[str, Ref] | None = None, cancel: Cancel | None = None
) -> Refs:
    """Read the table as it is now; what ``known`` says of the same target is not asked again."""
    form = "%(objectname)%00%(refname)%00%(symref)"
    said = cache.view.output(
        ["for-each-ref", f"--format={form}", *_SHOWN], limits=_LIMITS, cancel=cancel
    )
    targets: dict[str, str] = {}
    for line in said.decode("utf-8", "surrogateescape").splitlines():
        target, name, _ = line.split("\0")
        targets[name] = target
    head, detached = _head(cache, cancel)
    if head in targets:
        targets[HEAD] = targets[head]
    elif detached is not None:
        targets[HEAD] = detached
    commits: dict[str, str | None] = {
        ref.target: ref.commit for ref in (known or {}).values() if ref.commit is not None
    }
    commits |= _peeled(cache, sorted(set(targets.values()) - commits.keys()), cancel)
    table = {name: Ref(name, target, commits[target]) for name, target in targets.items()}
    return Refs(table, head)


def _head(cache: Cache, cancel: Cancel | None) -> tuple[str | None, str | None]:
    """Return the branch that HEAD names, or the object that it names itself."""
    if cache.place.ref_format == "files":
        words = cache.place.head.strip().decode("utf-8", "surrogateescape")
        if words.startswith("ref:"):
            return words[4:].strip(), None
        return None, words
    try:
        said = cache.view.output(["symbolic-ref", "HEAD"], cancel=cancel)
        return said.decode("utf-8", "surrogateescape").strip(), None
    except DamagedError:
        said = cache.view.output(["rev-parse", "--verify", "HEAD"], cancel=cancel)
        return None, said.decode().strip()


def _peeled(cache: Cache, targets: list[str], cancel: Cancel | None) -> dict[str, str | None]:
    if not targets:
        return {}
    given = "".join(f"{target}^{{commit}}\n" for target in targets).encode()
    said = cache.git.output(
        ["cat-file", "--batch-check=%(objectname) %(objecttype)"],
        given=given, limits=_LIMITS, cancel=cancel,
    )  # fmt: skip
    lines = said.decode("utf-8", "replace").splitlines()
    if len(lines) != len(targets):
        raise DamagedError("Git does not say what its refs come to.", "git fsck")
    found: dict[str, str | None] = {}
    for target, line in zip(targets, lines, strict=True):
        words = line.split()
        found[target] = words[0] if len(words) == 2 and words[1] == "commit" else None
    return found


def difference(old: Refs, new: Refs) -> list[Change]:
    """Return what was created, moved and deleted, by name; HEAD is told as a ref of its own."""
    found: list[Change] = []
    for name in sorted(old.table.keys() | new.table.keys()):
        before, after = old.table.get(name), new.table.get(name)
        if before is None and after is not None:
            found.append(Change("created", name, None, after.target))
        elif before is not None and after is None:
            found.append(Change("deleted", name, before.target, None))
        elif before is not None and after is not None and before.target != after.target:
            found.append(Change("moved", name, before.target, after.target))
    return found

# SPDX-License-Identifier: Apache-2.0
"""What a repository on the disk is: where its parts are, and in which formats they are written.

gitrepository-layout(5) and git-config(1), "extensions", say what is looked at here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from codex_agent.repos.errors import NotAllowedError, UnsupportedError
from codex_agent.repos.folder import Folder, links_inside, opened, small_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.repos.git import Git

Kind = Literal["worktree", "linked", "bare"]

_CONFIG_MAX = 1024 * 1024
_LINK_MAX = 8 * 1024
_ALTERNATES_MAX = 64 * 1024
_SHALLOW_MAX = 16 * 1024 * 1024
_FILES_MAX = 200_000  # in one directory of objects
_DEPTH_MAX = 5  # git follows as many alternates of alternates
_REFTABLE_SINCE = (2, 45)
_EXTENSIONS = frozenset(
    {
        "noop", "noop-v1", "preciousobjects", "partialclone", "worktreeconfig", "objectformat",
        "refstorage", "relativeworktrees",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A repository as it was found. All paths are real ones, inside of the roots.

    ``objects`` has the own directory first, then those that it borrows from. ``shallow`` is the
    content of the file of that name. ``identity`` tells it from another one at the same path.
    """

    path: Path
    git_dir: Path
    common_dir: Path
    kind: Kind
    objects: tuple[Path, ...]
    object_format: Literal["sha1", "sha256"]
    ref_format: Literal["files", "reftable"]
    shallow: bytes
    partial: bool
    identity: str
    head: bytes = field(repr=False)

    @property
    def id_bytes(self) -> int:
        """Bytes of an object id."""
        return 32 if self.object_format == "sha256" else 20


def look(path: Path, roots: Sequence[Path], git: Git) -> Place:
    """Find out what the repository at ``path`` is; nothing in it is run, obeyed or changed."""
    with opened(path, roots) as top:
        named, kind = _git_dir(top)
        with opened(named, roots) as own:
            common_named = _common_dir(own)
            if common_named is not None:
                kind = "linked"
            with opened(common_named or own.path, roots) as common:
                return _judge(top, own, common, kind, roots, git)


def _judge(
    top: Folder, own: Folder, common: Folder, kind: Kind, roots: Sequence[Path], git: Git
) -> Place:
    head = small_file(own, "HEAD", _LINK_MAX)
    if head is None:
        raise _no_repository(top.path)
    settings = _settings(common, git)
    version = settings.get("core.repositoryformatversion", "0")
    extensions = {
        key.split(".", 1)[1]: value
        for key, value in settings.items()
        if key.startswith("extensions.")
    }
    if version not in ("0", "1"):
        raise UnsupportedError(f"{top.path} has the format {version}; 0 and 1 are known.", _NEWER)
    if version == "1" and (unknown := sorted(extensions.keys() - _EXTENSIONS)):
        text = f"{top.path} uses the extension {unknown[0]}, which is not known here."
        raise UnsupportedError(text, _NEWER)
    v1 = extensions if version == "1" else {}
    object_format = v1.get("objectformat", "sha1").lower()
    ref_format = v1.get("refstorage", "files").lower()
    if object_format not in ("sha1", "sha256"):
        raise UnsupportedError(f"{top.path} has objects of the format {object_format}.", _NEWER)
    if ref_format not in ("files", "reftable"):
        raise UnsupportedError(f"{top.path} has refs of the format {ref_format}.", _NEWER)
    if ref_format == "reftable" and (have := git.version()) < _REFTABLE_SINCE:
        raise UnsupportedError(
            f"{top.path} keeps its refs as reftable, which git {have[0]}.{have[1]} cannot read.",
            "git 2.45 can; or convert a copy: git clone --mirror --ref-format=files",
        )
    with opened(common.path / "objects", roots) as objects:
        found = _objects(objects, roots, 0)
        links_inside(common, "refs", roots, _FILES_MAX)
        promised = any(name.endswith(".promisor") for name in _names(objects.path / "pack"))
        identity = f"{own.identity[0]}:{own.identity[1]}:{objects.identity[1]}"
    return Place(
        path=top.path, git_dir=own.path, common_dir=common.path, kind=kind,
        objects=tuple(dict.fromkeys(found)),
        object_format="sha256" if object_format == "sha256" else "sha1",
        ref_format="reftable" if ref_format == "reftable" else "files",
        shallow=small_file(common, "shallow", _SHALLOW_MAX) or b"",
        partial=promised or "partialclone" in extensions, identity=identity, head=head,
    )  # fmt: skip


_NEWER = "A newer version of git and of this program may know it."


def _no_repository(path: Path) -> UnsupportedError:
    return UnsupportedError(
        f"{path} is not a Git repository.", f"git -C {path} rev-parse --git-dir"
    )


def _git_dir(top: Folder) -> tuple[Path, Kind]:
    """Return where the Git directory is said to be, which has to be opened to be believed."""
    dot_git = top.path / ".git"
    if dot_git.is_dir():
        return dot_git, "worktree"
    if dot_git.exists():
        words = (small_file(top, ".git", _LINK_MAX) or b"").strip()
        if not words.startswith(b"gitdir: "):
            raise _no_repository(top.path)
        return top.path / Path(os.fsdecode(words[8:])), "worktree"
    if (top.path / "HEAD").exists() and (top.path / "objects").is_dir():
        return top.path, "bare"
    if (top.path / "commondir").exists():
        return top.path, "linked"
    raise _no_repository(top.path)


def _common_dir(own: Folder) -> Path | None:
    words = small_file(own, "commondir", _LINK_MAX)
    return None if words is None else own.path / Path(os.fsdecode(words.strip()))


def _settings(common: Folder, git: Git) -> dict[str, str]:
    """Let git take the configuration apart as a text, without includes and without obeying it."""
    text = small_file(common, "config", _CONFIG_MAX)
    if not text:
        return {}
    said = git.output(["config", "--file", "-", "--no-includes", "--list", "-z"], given=text)
    pairs = (entry.partition(b"\n") for entry in said.split(b"\0") if entry)
    return {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, _, value in pairs
    }


def _names(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.iterdir())
    except OSError:
        return []


def _objects(folder: Folder, roots: Sequence[Path], depth: int) -> list[Path]:
    """Return a directory of objects and all that it borrows from, each inside of the roots."""
    if depth > _DEPTH_MAX:
        raise UnsupportedError(
            f"{folder.path} is borrowed over more than {_DEPTH_MAX} others.", "git repack -a -d"
        )
    for name in ("pack", "info", *(f"{number:02x}" for number in range(256))):
        links_inside(folder, name, roots, _FILES_MAX)
    found = [folder.path]
    with opened(folder.path, roots) as again:
        lines = _alternates(again)
    for line in lines:
        target = folder.path / Path(os.fsdecode(line))
        try:
            with opened(target, roots) as other:
                found += _objects(other, roots, depth + 1)
        except NotAllowedError:
            raise NotAllowedError(
                f"{folder.path} borrows objects from {target}, which is in none of the roots.",
                "Add that root, or make it independent: git repack -a -d",
            ) from None
    return found


def _alternates(folder: Folder) -> list[bytes]:
    try:
        handle = os.open("info", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder.handle)
    except OSError:
        return []
    try:
        info = Folder(handle, folder.path / "info", folder.identity)
        text = small_file(info, "alternates", _ALTERNATES_MAX) or b""
    finally:
        os.close(handle)
    lines = [line for line in text.split(b"\n") if line and not line.startswith(b"#")]
    if any(line.startswith(b'"') for line in lines):
        raise UnsupportedError(
            f"{info.path / 'alternates'} has a quoted path, which is not read here.",
            "git repack -a -d makes the repository independent.",
        )
    return lines

# SPDX-License-Identifier: Apache-2.0
"""Changes to an unpacked root. Each is a function of the tree, and fails where it changes nothing.

Paths are as the host would see them; links are followed inside the tree. What is changed gets the
time that the build gives to all files, so that the same edits give the same root.
"""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from tests.support import disk
from tests.support import tree as trees
from tests.support.versions.root import EPOCH

Edit = Callable[[Path], None]
UNITS = "/usr/lib/systemd/system"
_NEW_FILE, _NEW_FOLDER = 0o644, 0o755


def write(path: str, content: bytes | str, mode: int | None = None) -> Edit:
    """Write a file; mode and owner of one that is there are kept unless ``mode`` is given."""

    def edit(root: Path) -> None:
        _put(root, path, content.encode() if isinstance(content, str) else content, mode)

    return edit


def replace(path: str, old: str, new: str) -> Edit:
    """Replace a text that stands in a file exactly once."""

    def edit(root: Path) -> None:
        content = _there(root, path).read_text(encoding="utf-8")
        if content.count(old) != 1:
            raise AssertionError(f"{old!r} stands {content.count(old)} times in {path}")
        _put(root, path, content.replace(old, new).encode(), None)

    return edit


def append(path: str, text: str) -> Edit:
    """Write a text at the end of a file."""

    def edit(root: Path) -> None:
        _put(root, path, _there(root, path).read_bytes() + text.encode(), None)

    return edit


def transform(path: str, change: Callable[[bytes], bytes]) -> Edit:
    """Replace the content of a file by what ``change`` makes of it."""

    def edit(root: Path) -> None:
        before = _there(root, path).read_bytes()
        after = change(before)
        if after == before:
            raise AssertionError(f"{path} is not changed")
        _put(root, path, after, None)

    return edit


def package(name: str, text: str) -> Edit:
    """Change every file of a package, as a new build of it does: a text is added to each.

    The loader of programs does not look behind the end of an ELF file.
    """

    def edit(root: Path) -> None:
        listing = find(root, f"/usr/lib/sysimage/dpkg/info/{name}*.list")
        changed = 0
        for path in _there(root, listing).read_text(encoding="utf-8").splitlines():
            found = trees.resolve(root, path)
            # Documentation is left out of images, and what is a link has its file elsewhere.
            if found is not None and found.is_file() and not (root / path[1:]).is_symlink():
                append(path, text)(root)
                changed += 1
        if not changed:
            raise AssertionError(f"the root has no file of the package {name}")

    return edit


def flip(path: str, offset: int | None = None) -> Edit:
    """Invert a bit of a file, in its middle unless said otherwise."""

    def edit(root: Path) -> None:
        file = _there(root, path)
        disk.flip_bit(file, file.stat().st_size // 2 if offset is None else offset)
        _settle(file)

    return edit


def remove(path: str) -> Edit:
    """Remove a file, a link or a folder."""

    def edit(root: Path) -> None:
        place = _place(root, path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
        _settle(place.parent)

    return edit


def link(path: str, target: str) -> Edit:
    """Make a symbolic link; an older one is replaced."""

    def edit(root: Path) -> None:
        place = _place(root, path)
        if place.is_symlink():
            place.unlink()
        place.symlink_to(target)
        _settle(place)
        _settle(place.parent)

    return edit


def unit(name: str, text: str, wanted_by: str = "multi-user.target") -> Edit:
    """Add a unit that a target wants."""

    def edit(root: Path) -> None:
        write(f"{UNITS}/{name}", text)(root)
        link(f"{UNITS}/{wanted_by}.wants/{name}", f"../{name}")(root)

    return edit


def dropin(name: str, text: str) -> Edit:
    """Add a drop-in to a unit, read after those that are there."""
    return write(f"{UNITS}/{name}.d/90-test.conf", text)


def python(edit: Edit, path: str) -> Edit:
    """Make an edit of a Python file take effect: the compiled file beside it is not looked up.

    The agent is compiled without times (images/scripts/seal): its ``.pyc`` would be run whatever
    the source says. A source that does not compile is left without one.
    """

    def both(root: Path) -> None:
        edit(root)
        source = _there(root, path)
        for compiled in source.parent.glob(f"__pycache__/{source.stem}.*.pyc"):
            compiled.unlink()
            _settle(compiled.parent)

    return both


def version(number: str) -> Edit:
    """Say in os-release which version this is."""

    def edit(root: Path) -> None:
        path = "/usr/lib/os-release"
        lines = _there(root, path).read_text(encoding="utf-8").splitlines()
        said = [n for n, line in enumerate(lines) if line.startswith("IMAGE_VERSION=")]
        if len(said) != 1:
            raise AssertionError(f"{path} names {len(said)} versions")
        lines[said[0]] = f'IMAGE_VERSION="{number}"'
        _put(root, path, "".join(f"{line}\n" for line in lines).encode(), None)

    return edit


def find(root: Path, pattern: str) -> str:
    """Return the one path of a tree that fits a pattern, such as that of a kernel module."""
    found = sorted(root.glob(pattern.lstrip("/")))
    if len(found) != 1:
        raise AssertionError(f"{len(found)} files are {pattern}")
    return f"/{found[0].relative_to(root)}"


def _place(root: Path, path: str) -> Path:
    """Where a path lies, with folders made on the way; the last part is not followed."""
    folder, _, name = path.rstrip("/").rpartition("/")
    parent = trees.resolve(root, folder)
    if parent is None:
        parent = _place(root, folder)
        parent.mkdir(mode=_NEW_FOLDER)
        parent.chmod(_NEW_FOLDER)
        _settle(parent.parent)
    return parent / name


def _there(root: Path, path: str) -> Path:
    found = trees.resolve(root, path)
    if found is None or not found.is_file():
        raise AssertionError(f"the root has no file {path}")
    return found


def _put(root: Path, path: str, content: bytes, mode: int | None) -> None:
    """Write a file anew: never into one that another name may stand for as well."""
    place = trees.resolve(root, path) or _place(root, path)
    kept = place.stat() if place.is_file() else None
    place.unlink(missing_ok=True)
    place.write_bytes(content)
    if kept is not None:
        os.chown(place, kept.st_uid, kept.st_gid)
    place.chmod(stat.S_IMODE(kept.st_mode) if kept and mode is None else mode or _NEW_FILE)
    _settle(place)
    _settle(place.parent)


def _settle(path: Path) -> None:
    os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)

# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program that a role hands to Python, no package
"""Keeps what was there before roles changed a host, and puts it back.

Run by ``python3 -I - COMMAND PATH...`` with this text as its input, so that nothing of it stays on
the host. ``keep`` notes paths before a role writes them, ``seal`` notes them afterwards,
``restore`` puts back what is still as it was sealed; what was changed since stays. ``would-keep``,
``would-restore`` only say it. ``forget`` ends a removal. A run that did not come to its end, be it
of the roles or of their removal, is remembered: the next one is told ``unfinished``.

Everything is judged before the first change. A ledger that root alone has not written, or that
names a place outside of those where roles write, is refused as a whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "/var/lib/codex-ledger"
#: Where roles write, and nothing besides.
PLACES = ("/etc/", "/usr/lib/", "/usr/sbin/", "/var/lib/codex-kernel-guard/")
#: Exit status of a refusal: nothing was changed.
REFUSED = 3
_SUM = re.compile(r"[0-9a-f]{64}")
_KEYS = {
    "absent": {"kind"},
    "file": {"kind", "mode", "uid", "gid", "sum"},
    "link": {"kind", "target"},
    "directory": {"kind", "mode", "uid", "gid"},
}

State = dict[str, Any]


class RefusedError(Exception):
    """Nothing was done; the text is a sentence."""


def checked(path: str) -> str:
    """Return a path that roles may write, or raise ``RefusedError``."""
    folder = path if path.endswith("/") else path + "/"
    clean = path == os.path.normpath(path) and "\0" not in path and "\n" not in path
    if not clean or not folder.startswith(PLACES) or folder in PLACES:
        raise RefusedError(f"{path!r} is no place where roles write")
    if path.startswith(FOLDER):
        raise RefusedError(f"{path} is the ledger itself")
    return path


@contextmanager
def parent(base: str, path: str) -> Iterator[tuple[int, str]]:
    """Open the folder of a path one step at a time; no step may be a link.

    A folder that is not there raises ``FileNotFoundError``.
    """
    *folders, name = path.strip("/").split("/")
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            try:
                inner = os.open(
                    folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                    dir_fd=handle,
                )  # fmt: skip
            except NotADirectoryError:
                raise RefusedError(f"{path} is reached through {folder}, which is a link") from None
            os.close(handle)
            handle = inner
        yield handle, name
    finally:
        os.close(handle)


def read(handle: int, name: str) -> bytes:
    """Return the content of a regular file; no link is followed."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=handle)
    with os.fdopen(file, "rb") as opened:
        return opened.read()


def look(base: str, path: str) -> tuple[State, bytes]:
    """Return what is at a path, and the content where it is a file."""
    try:
        with parent(base, path) as (handle, name):
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            owner = {
                "mode": stat.S_IMODE(status.st_mode),
                "uid": status.st_uid,
                "gid": status.st_gid,
            }
            if stat.S_ISLNK(status.st_mode):
                return {"kind": "link", "target": os.readlink(name, dir_fd=handle)}, b""
            if stat.S_ISDIR(status.st_mode):
                return {"kind": "directory", **owner}, b""
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError(f"{path} is neither file, link nor folder")
            data = read(handle, name)
            return {"kind": "file", **owner, "sum": hashlib.sha256(data).hexdigest()}, data
    except FileNotFoundError:
        return {"kind": "absent"}, b""


def judged(state: Any) -> State:
    """Return a state as it may stand in a ledger, or raise ``RefusedError``."""
    if not isinstance(state, dict) or set(state) != _KEYS.get(str(state.get("kind")), {""}):
        raise RefusedError("the ledger has an entry of another form")
    numbers = [state[key] for key in ("mode", "uid", "gid") if key in state]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise RefusedError("the ledger has an entry of another form")
    if state.get("mode", 0) & ~0o1777:
        raise RefusedError("the ledger would give a file the rights of its owner")
    if not isinstance(state.get("target", ""), str):
        raise RefusedError("the ledger has an entry of another form")
    if not _SUM.fullmatch(str(state.get("sum", "0" * 64))):
        raise RefusedError("the ledger has a sum that is none")
    return state


class Ledger:
    """The ledger below ``base``, which is ``/`` but in tests."""

    def __init__(self, base: str = "/") -> None:
        self.base = base
        self.folder = Path(base + FOLDER)
        self.entries: dict[str, dict[str, Any]] = {}
        # There from the first change of a run to its end.
        self.open = self.folder / "open"
        self.unfinished = os.path.lexists(self.open)
        # A removal that ended in its middle goes on; roles that did may have written anything.
        self.torn = self.unfinished and self.open.lstat().st_size == 0
        if os.path.lexists(self.folder):
            self._trust()
            self._load()

    def _trust(self) -> None:
        """Refuse a ledger that somebody else could have written."""
        for place in (self.folder, self.folder / "was", self.folder / "index.json"):
            if not os.path.lexists(place):
                continue
            status = place.lstat()
            right = stat.S_ISREG if place.name == "index.json" else stat.S_ISDIR
            if not right(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
                raise RefusedError(f"{place} is not what root alone writes")

    def _load(self) -> None:
        index = self.folder / "index.json"
        try:
            data = json.loads(index.read_text()) if index.exists() else {"schema": 1, "entries": {}}
        except ValueError:
            raise RefusedError(f"{index} is no JSON") from None
        if not isinstance(data, dict) or data.get("schema") != 1:
            raise RefusedError(f"{index} is of another form")
        entries = data.get("entries")
        if not isinstance(entries, dict):
            raise RefusedError(f"{index} is of another form")
        for path, entry in entries.items():
            checked(path)
            if not isinstance(entry, dict) or set(entry) != {"was", "left"}:
                raise RefusedError("the ledger has an entry of another form")
            judged(entry["was"])
            if entry["left"] is not None:
                judged(entry["left"])
        self.entries = entries

    def keep(self, paths: list[str], *, change: bool = True) -> list[str]:
        """Note what is at each path that is not noted yet; return the new ones."""
        new = [path for path in dict.fromkeys(map(checked, paths)) if path not in self.entries]
        found = {path: look(self.base, path) for path in new}
        for path, (state, _) in found.items():
            judged(state)
            self.entries[path] = {"was": state, "left": None}
        if change:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / "was").mkdir(mode=0o700, exist_ok=True)
            self._write(self.open, b"")
        if change and new:
            for state, data in found.values():
                if state["kind"] == "file":
                    self._write(self.folder / "was" / state["sum"], data)
            self._save()
        return new

    def seal(self, paths: list[str]) -> list[str]:
        """Note what the roles left; return the paths of which that is news."""
        news = []
        for path in dict.fromkeys(map(checked, paths)):
            state, _ = look(self.base, path)
            entry = self.entries.get(path)
            if entry is None:
                raise RefusedError(f"{path} was not kept before it was written")
            if entry["left"] != state:
                entry["left"] = state
                news.append(path)
        if news:
            self._save()
        self.open.unlink(missing_ok=True)
        return news

    def restore(
        self, *, change: bool = True, adopt: bool = False
    ) -> tuple[list[str], dict[str, str]]:
        """Put back what was there; return the paths put back, and why others stay as they are.

        ``adopt`` counts what lies at a path as left by the roles, whoever wrote it.
        """
        before = {path: self._content(entry["was"]) for path, entry in self.entries.items()}
        now = {path: look(self.base, path)[0] for path in self.entries}
        done: list[str] = []
        left: dict[str, str] = {}
        # What lies in a folder before the folder.
        for path in sorted(self.entries, reverse=True):
            was = self.entries[path]["was"]
            ours = now[path] if adopt else self.entries[path]["left"]
            if now[path] == was:
                pass
            elif ours is None:
                left[path] = "no run of the roles came to its end, so whose it is is not known"
            elif now[path] != ours:
                left[path] = "it was changed since the roles wrote it"
            elif (
                was["kind"] == "absent" and ours["kind"] == "directory" and self._filled(path, done)
            ):
                left[path] = "it holds what the roles did not write"
            else:
                done.append(path)
        if change and self.folder.exists():
            self._write(self.open, b"removal\n")
            for path in done:
                self._put(path, self.entries[path]["was"], before[path])
            self.entries = {path: self.entries[path] for path in left}
            self._save()
        return done, left

    def _filled(self, path: str, done: list[str]) -> bool:
        gone = {place for place in done if self.entries[place]["was"]["kind"] == "absent"}
        inside = os.listdir(self.base.rstrip("/") + path)  # noqa: PTH208 - names alone
        return any(f"{path}/{name}" not in gone for name in inside)

    def _content(self, state: State) -> bytes:
        if state["kind"] != "file":
            return b""
        try:
            with parent(self.base, f"{FOLDER}/was/{state['sum']}") as (handle, name):
                data = read(handle, name)
        except OSError as error:
            raise RefusedError(f"{state['sum']} of the ledger: {error.strerror}") from None
        if hashlib.sha256(data).hexdigest() != state["sum"]:
            raise RefusedError(f"{FOLDER}/was/{state['sum']} was altered")
        return data

    def _put(self, path: str, state: State, data: bytes) -> None:
        with parent(self.base, path) as (handle, name):
            self._clear(handle, name, state["kind"])
            if state["kind"] == "absent":
                pass
            elif state["kind"] == "directory":
                os.chown(name, state["uid"], state["gid"], dir_fd=handle, follow_symlinks=False)
                os.chmod(name, state["mode"], dir_fd=handle)
            else:
                new = f".codex-{os.getpid()}.new"
                if state["kind"] == "link":
                    os.symlink(state["target"], new, dir_fd=handle)
                else:
                    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
                    with os.fdopen(os.open(new, flags, 0o600, dir_fd=handle), "wb") as file:
                        file.write(data)
                        os.fchown(file.fileno(), state["uid"], state["gid"])
                        os.fchmod(file.fileno(), state["mode"])
                        file.flush()
                        os.fsync(file.fileno())
                os.replace(new, name, src_dir_fd=handle, dst_dir_fd=handle)

    @staticmethod
    def _clear(handle: int, name: str, kind: str) -> None:
        """Take away what another kind cannot replace; make a folder where one is to be."""
        try:
            folder = stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            folder = None
        if folder and kind != "directory":
            os.rmdir(name, dir_fd=handle)
        elif folder is False and kind in ("absent", "directory"):
            os.unlink(name, dir_fd=handle)
        if kind == "directory" and not folder:
            os.mkdir(name, 0o700, dir_fd=handle)

    def forget(self) -> None:
        """End a removal: keep the ledger of what stayed; where nothing did, it goes as well."""
        if self.entries:
            self.open.unlink(missing_ok=True)
            return
        for path in sorted(self.folder.rglob("*"), reverse=True) if self.folder.exists() else []:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if self.folder.exists():
            self.folder.rmdir()

    def _save(self) -> None:
        text = json.dumps({"schema": 1, "entries": self.entries}, indent=1, sort_keys=True)
        self._write(self.folder / "index.json", text.encode() + b"\n")

    def _write(self, target: Path, data: bytes) -> None:
        new = target.with_name(target.name + ".new")
        new.unlink(missing_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)


def main(argv: list[str], base: str = "/") -> int:
    """Do what was asked and print, as JSON, which paths it concerned and which stay."""
    command, paths = (argv[0], argv[1:]) if argv else ("", [])
    adopt = paths == ["adopt"]
    stays: dict[str, str] = {}
    try:
        ledger = Ledger(base)
        if command in ("keep", "would-keep"):
            found = ledger.keep(paths, change=command == "keep")
        elif command == "seal":
            found = ledger.seal(paths)
        elif command in ("restore", "would-restore") and (adopt or not paths):
            found, stays = ledger.restore(change=command == "restore", adopt=adopt)
        elif command == "forget" and not paths:
            found = []
            ledger.forget()
        else:
            usage = "keep|would-keep|seal PATH... | restore|would-restore [adopt] | forget"
            print(f"usage: {usage}", file=sys.stderr)
            return 64
    except RefusedError as error:
        print(f"The ledger of this host is refused: {error}. Nothing was changed.", file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"It was not done to its end: {error}; a second run goes on.", file=sys.stderr)
        return 2
    told = {"unfinished": ledger.unfinished, "torn": ledger.torn}
    print(json.dumps({"paths": found, "stays": stays, **told}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

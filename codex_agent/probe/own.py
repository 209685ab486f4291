# SPDX-License-Identifier: Apache-2.0
"""An operator's own probe: one file /etc/codex/probes.d/NAME.toml that names a program.

Roles of ours lay theirs below /usr/lib; a file of the same name below /etc takes its place.

The program runs without privileges. Its exit status is its answer: 0 ok, 77 not for this host, all
else failed. A file with a mistake is told as a degraded check and never stops a boot.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.config.layers import nearest
from codex_agent.config.layers import parse as parse_toml
from codex_agent.host.probes import OWN, Result
from codex_agent.probe import child, words

if TYPE_CHECKING:
    from codex_agent.host.root import Root

FOLDER = "/etc/codex/probes.d"
VENDOR = "/usr/lib/codex/probes.d"
SKIPPED = 77
LIMIT_S = 10.0
LONGEST_S = 120.0
MOST = 32  # files
_SIZE = 16 * 1024  # bytes of a file
_KEPT = 16 * 1024  # bytes of an output
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_KEYS = ["argv", "asks", "required", "timeout_s"]


@dataclass(frozen=True, slots=True)
class Own:
    """A probe that may be asked."""

    name: str
    place: str
    asks: str
    argv: tuple[str, ...]
    timeout_s: float
    required: bool


class Refused(Exception):  # noqa: N818 - a finding, not a fault
    """A file that is not used; the reason is a clause."""


def load(root: Root) -> tuple[list[Own], list[Result]]:
    """Return the probes that may be asked, and a degraded result for each that may not."""
    good, bad = _load(root, FOLDER)
    told = {probe.name for probe in good} | {result.name for result in bad}
    ours, broken = _load(root, VENDOR)
    good += [probe for probe in ours if probe.name not in told]
    bad += [result for result in broken if result.name not in told]
    return sorted(good, key=lambda probe: probe.name), bad


def _load(root: Root, place: str) -> tuple[list[Own], list[Result]]:
    """Read one folder; one that is not there has no probes."""
    try:
        folder = os.open(root.at(place), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [_broken(OWN + "probes", place, _clause(error))]
    try:
        return _files(folder, place)
    finally:
        os.close(folder)


def _files(folder: int, place: str) -> tuple[list[Own], list[Result]]:
    if wrong := _writable(os.fstat(folder)):
        return [], [_broken(OWN + "probes", place, wrong)]
    names = os.listdir(folder)
    files = sorted(n for n in names if n.endswith(".toml") and not n.startswith("."))
    good: list[Own] = []
    bad: list[Result] = []
    for index, name in enumerate(files[:MOST]):
        path = f"{place}/{name}"
        stem = name.removesuffix(".toml")
        if not _NAME.fullmatch(stem):
            reason = "its name is not of a-z, 0-9 and - with at most 40 characters"
            # A dot: no file of a good name is called so.
            bad.append(_broken(f"{OWN}file.{index + 1}", path, reason))
            continue
        try:
            good.append(parse(OWN + stem, path, _content(folder, name)))
        except Refused as error:
            bad.append(_broken(OWN + stem, path, str(error)))
    if len(files) > MOST:
        reason = f"it holds {len(files)} files, and those after {files[MOST - 1]} are too many"
        bad.append(_broken(OWN + "probes.more", place, reason))
    return good, bad


def _broken(name: str, place: str, reason: str) -> Result:
    text = words.sentence(f"{place} is not used: {reason}")
    hint = words.line(f"Correct {place} or remove it; codex probe asks again.")
    asks = "Is this file a probe?"
    return Result(name, asks, "degraded", text, hint, False, 0.0, 0.0, words.line(place))


def _clause(error: OSError) -> str:
    if error.errno in (20, 40):  # ENOTDIR, ELOOP: what O_NOFOLLOW says about a link
        return "it is a link, or not what it should be"
    return (error.strerror or "it cannot be read").lower()


def _writable(status: os.stat_result) -> str | None:
    """Return what makes a file or folder somebody else's, or None."""
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to user {status.st_uid}"
    if status.st_mode & 0o022:
        return f"others may write to it (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def _content(folder: int, name: str) -> str:
    try:
        handle = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except OSError as error:
        raise Refused(_clause(error)) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("it is not a regular file")
        if wrong := _writable(status):
            raise Refused(wrong)
        if status.st_size > _SIZE:
            raise Refused(f"it is longer than {_SIZE} bytes")
        content = os.read(handle, _SIZE + 1)
    except OSError as error:
        raise Refused(_clause(error)) from None
    finally:
        os.close(handle)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8 text") from None


def parse(name: str, place: str, text: str) -> Own:
    """Return the probe that a file describes, or raise ``Refused``."""
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise Refused(f"it is not valid TOML: {error}") from None
    for key in content:
        if key not in _KEYS:
            close = nearest(key, _KEYS)
            more = f"did you mean {close}" if close else f"known are {', '.join(_KEYS)}"
            raise Refused(f"the key {key} is not known, {more}")
    argv = content.get("argv")
    if not isinstance(argv, list) or not 0 < len(argv) <= 64:
        raise Refused("argv must be a list of 1 to 64 words")
    if not all(isinstance(word, str) and "\0" not in word and len(word) <= 4096 for word in argv):
        raise Refused("each word of argv must be text of at most 4096 characters")
    if not argv[0].startswith("/"):
        raise Refused("argv must begin with the whole path of a program")
    limit = content.get("timeout_s", LIMIT_S)
    if (
        isinstance(limit, bool)
        or not isinstance(limit, (int, float))
        or not 1 <= limit <= LONGEST_S
    ):
        raise Refused(f"timeout_s must be a number from 1 to {LONGEST_S:g}")
    required = content.get("required", False)
    if not isinstance(required, bool):
        raise Refused("required must be true or false")
    asks = content.get("asks", f"Does {words.line(argv[0], 160)} answer with 0?")
    if not isinstance(asks, str) or not 0 < len(asks) <= 200 or not asks.isprintable():
        raise Refused("asks must be one line of at most 200 characters")
    return Own(name, place, asks, tuple(argv), float(limit), required)


def untrusted(path: str) -> str | None:
    """Return why a program is not started, or None; links are followed to what they lead to."""
    try:
        target = Path(path).resolve(strict=True)
        status = target.stat()
    except (OSError, RuntimeError):
        return None  # to start it will say what is wrong with it
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a regular file"
    if wrong := _writable(status):
        return f"{path} is not started: {wrong}"
    if not status.st_mode & 0o111:
        return f"{path} is not executable"
    for parent in target.parents:
        mode = parent.stat().st_mode
        if mode & 0o022 and not mode & stat.S_ISVTX:
            return f"{path} is not started: others may write to {parent}"
    return None


def ask(own: Own, account: child.Account | None) -> Result:
    """Run an operator's probe and return what it answered."""
    if wrong := untrusted(own.argv[0]):
        return _broken(own.name, own.place, wrong)
    body = child.program(own.argv, account, {"CODEX_PROBE": own.name.removeprefix(OWN)})
    ended = child.run(body, own.timeout_s, _KEPT)
    said, hint = words.said(ended)
    hint = hint or f"See {own.place} and the program that it names."
    if ended.status == 0:
        state, text = "ok", said or "It answers"
    elif ended.status == SKIPPED:
        state, text = "skipped", said or "It says that it is not for this host"
    else:
        state = "failed"
        text = ended.reason or f"it ended with status {ended.status}"
        text = f"{text}: {said}" if said else text
    return Result(
        name=own.name,
        asks=own.asks,
        state=state,  # type: ignore[arg-type]
        message=words.sentence(text),
        hint=None if state in ("ok", "skipped") else words.line(hint),
        gates=own.required,
        limit_s=own.timeout_s,
        took_s=round(ended.took_s, 3),
        place=own.place,
    )

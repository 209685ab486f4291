# SPDX-License-Identifier: Apache-2.0
"""The guard's command line, and how the scripts of packages call it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, NoReturn

from kernel_guard import guard, state
from kernel_guard.host import Host, UnreadableError
from kernel_guard.state import PATH, State

if TYPE_CHECKING:
    from collections.abc import Sequence

#: 0: the wanted kernel is the default and ready. 1: it is held back, the old default was kept.
#: 2: what the next start takes is not known to be good. 64: wrong usage.
EXIT = {"guarded": 0, "held": 1, "unguarded": 2}
USAGE = 64
HINT = "`codex-kernel-guard status` shows each kernel; `codex-kernel-guard settle` tries again."


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"codex-kernel-guard: {message}.\n{self.format_usage()}", end="", file=sys.stderr)
        raise SystemExit(USAGE)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = _Parser(prog="codex-kernel-guard", description=__doc__, allow_abbrev=False)
    kinds = top.add_subparsers(dest="command", required=True, parser_class=_Parser)
    shown = kinds.add_parser("status", help="judge all kernels, change nothing")
    shown.add_argument("--json", action="store_true")
    kinds.add_parser("probe", help="tell the outcome that was kept; needs no privilege")
    kinds.add_parser("stale", help="name each kernel whose initramfs has to be made anew")
    settled = kinds.add_parser("settle", help="make the newest kernel that is ready the default")
    settled.add_argument("--json", action="store_true")
    for name in ("kernel", "headers", "remove", "removed"):
        kinds.add_parser(f"hook-{name}", help="for scripts of packages").add_argument("release")
    kinds.add_parser("hook-apt", help="for apt, when it has done its work")
    return top


def main(argv: Sequence[str], host: Host | None = None) -> int:
    """Do what was asked and return the exit status."""
    arguments = parser().parse_args(argv)
    host = host or Host()
    try:
        return _run(arguments, host)
    except UnreadableError as error:
        _say(f"The kernels are not guarded: {error}.")
        return EXIT["unguarded"]


def _run(arguments: argparse.Namespace, host: Host) -> int:
    command = arguments.command
    if command == "status":
        found = guard.look(host)
        print(json.dumps(found.plain(), indent=1) if arguments.json else text(found))
        return EXIT[found.verdict]
    if command == "probe":
        kept = state.read(host)
        print(kept.message)
        return EXIT[kept.verdict]
    if command == "stale":
        print("".join(f"{release}\n" for release in guard.stale(host)), end="")
        return 0
    found = guard.settle(host, gone=arguments.release if command == "hook-remove" else "")
    if command == "settle" and (arguments.json or found.verdict == "guarded"):
        print(json.dumps(found.plain(), indent=1) if arguments.json else found.message)
    if found.verdict == "guarded":
        return 0
    _say(found.message)
    if command in ("hook-kernel", "hook-headers"):
        return _after_package(found, arguments.release)
    if command == "hook-remove":
        # A kernel may go as long as what the next start takes is known, held back or not.
        return EXIT["unguarded"] if found.verdict == "unguarded" else 0
    if command == "hook-removed":
        return 0 if found.verdict == "held" else EXIT["unguarded"]
    if command == "hook-apt":
        return _after_apt(host, found)
    return EXIT[found.verdict]


def _after_package(found: State, release: str) -> int:
    """Judge one kernel: its package fails where it is not ready and nothing is still to come."""
    if found.verdict == "unguarded":
        return EXIT["unguarded"]
    mine = [kernel for kernel in found.kernels if kernel.release == release]
    return 1 if any(not kernel.ready and not kernel.waiting for kernel in mine) else 0


def _after_apt(host: Host, found: State) -> int:
    """Fail once for each kernel that is held back: apt must stay usable to repair it."""
    if found.verdict == "unguarded":
        return EXIT["unguarded"]
    if set(found.held) <= set(found.told):
        return 0
    guard.mark_told(host, found)
    return 1


def _say(message: str) -> None:
    print(f"codex-kernel-guard: {message}\n  {HINT}", file=sys.stderr)


def text(found: State) -> str:
    """Return a judgement as people read it."""
    lines = [f"{found.verdict}: {found.message}", f"kept in {PATH}", ""]
    for kernel in found.kernels:
        marks = [
            word
            for word, true in (
                ("runs", kernel.release == found.running),
                ("default", kernel.release == found.default),
            )
            if true
        ]
        word = "ready" if kernel.ready else "waits" if kernel.waiting else "not ready"
        note = f" ({', '.join(marks)})" if marks else ""
        lines.append(f"{kernel.release}{note}: {word}")
        lines += [f"  {reason}" for reason in kernel.reasons]
    return "\n".join(lines)

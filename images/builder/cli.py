# SPDX-License-Identifier: Apache-2.0
"""Targets of the Makefile; errors leave here, and only here."""

import fcntl
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from builder import log, preflight, relock, run, settings
from builder.errors import BuildError
from builder.image import Image
from builder.paths import Paths
from builder.settings import Settings
from builder.testing import Tests
from builder.tree import Tree

TARGETS = {
    "run": "set everything up, build what changed, boot it in QEMU and say how to reach it",
    "image": "build the image only",
    "test": "run every check and suite (TESTS=tests/host for one)",
    "check": "the fast part of the tests: linters, types, unit tests",
    "stop": "stop the guest of `make run`",
    "shell": "a root shell in that guest, by ssh",
    "logs": "what that guest's console has shown",
    "lock": "move the package locks to what the archive has now",
    "clean": "remove results; keep tools, caches and keys",
    "distclean": "remove everything that was built or fetched; keep keys/",
    "help": "this list",
}


def main(words: Sequence[str]) -> int:
    """Runs one target; the exit status is 0, 1 for a failure, 2 for a request that cannot be understood, 130 for Ctrl-C."""
    paths = Paths.find()
    target, rest = (words[0], list(words[1:])) if words else ("help", [])
    debug = "DEBUG=1" in rest
    try:
        chosen = settings.parse(rest, paths)
        if target not in TARGETS:
            raise BuildError(f"There is no target {target}.", hint="`make help` lists them.", code=2)
        return _dispatch(target, paths, chosen)
    except BuildError as error:
        print(f"\nerror: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint:  {error.hint}", file=sys.stderr)
        if debug:
            traceback.print_exc()
        return error.code
    except KeyboardInterrupt:
        print("\nStopped. What was complete is kept; the same command goes on from there.", file=sys.stderr)
        return 130


def _dispatch(target: str, paths: Paths, chosen: Settings) -> int:
    if target == "help":
        return _help()
    if target == "shell":
        return run.shell(paths)
    light: dict[str, Callable[[], None]] = {"stop": lambda: run.stop(paths), "logs": lambda: run.logs(paths)}
    if target in light:
        light[target]()
        return 0
    preflight.host(paths)
    with _alone(paths):
        if target == "run":
            run.start(paths, chosen, Image(paths, chosen, Tree(paths)).ensure())
        elif target == "image":
            version = Image(paths, chosen, Tree(paths)).ensure()
            log.plain(f"The image is {paths.image(version, '.raw')}.")
        elif target == "test":
            Tests(paths, chosen).everything()
        elif target == "check":
            Tests(paths, chosen).check()
        elif target == "lock":
            relock.run(paths, chosen)
        else:
            _clean(paths, everything=target == "distclean")
    return 0


def _help() -> int:
    log.plain("make TARGET [NAME=value ...]\n")
    for name, text in TARGETS.items():
        log.plain(f"  {name:<10} {text}")
    log.plain("")
    for name, text in settings.HELP.items():
        log.plain(f"  {name + '=':<10} {text}")
    return 0


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """Two builds in one folder would break each other: the second one is told so."""
    paths.build.mkdir(exist_ok=True)
    with (paths.build / "lock").open("w") as lockfile:
        try:
            fcntl.flock(lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BuildError("Another make works in this folder.", hint="Wait for it, or stop it.") from error
        yield


def _clean(paths: Paths, *, everything: bool) -> None:
    run.stop(paths)
    keep = set() if everything else {"tools", "cache", "archive", "stamps", "venv", "lock"}
    for entry in paths.build.iterdir():
        if entry.name in keep:
            continue
        if f" {entry}" in open("/proc/self/mounts").read():
            raise BuildError(f"Something is mounted below {entry}.", hint="Unmount it and try again.")
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    if not everything:
        for name in ("image", "initrd", "agent", "firmware"):
            (paths.stamps / name).unlink(missing_ok=True)
    else:
        shutil.rmtree(paths.root / "codex_agent/web/node_modules", ignore_errors=True)
        shutil.rmtree(paths.root / "codex_agent/web/dist", ignore_errors=True)
        log.plain("keys/ stays: without it, what was signed with it can no longer be updated.")

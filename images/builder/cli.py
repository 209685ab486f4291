# SPDX-License-Identifier: Apache-2.0
"""Targets of the Makefile; errors leave here, and only here."""

import fcntl
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from builder import host_run, log, preflight, relock, run, settings
from builder.boot_entry import BootEntry
from builder.bundle import Bundle
from builder.errors import BuildError
from builder.guest import Guest
from builder.host_disk import SUITES
from builder.image import Image
from builder.paths import Paths
from builder.release import Release
from builder.settings import Settings
from builder.testing import Tests
from builder.tree import Tree, mounted_below
from builder.version import of as version_of

TARGETS = {
    "run": "set everything up, build what changed, boot it in QEMU and say how to reach it",
    "image": "build the image only",
    "shell-entry": "sign a boot entry of the image that opens root shells, for an emergency",
    "bundle": "all that hosts need to be provisioned without a network (SUITE=bookworm)",
    "host": "boot a plain Debian that the roles can be applied to, and say how (SUITE=bookworm)",
    "release": "add the image to build/release, signed, for hosts to update from",
    "test": "run every check and suite (TESTS=tests/host for one)",
    "check": "the fast part of the tests: linters, types, unit tests",
    "test-kernel": "the kernel modules in small guests, after their checkers",
    "test-kernel-sanitized": "the same, longer, on a kernel with sanitizers (over an hour)",
    "test-dkms": "the DKMS package on a plain Debian host with either kernel (long)",
    "test-roles": "the roles on plain Debian hosts: every scenario, or SUITE=trixie (hours)",
    "test-boot": "updates: every broken version, decay, refusal, and hundreds of power cuts",
    "bench": "measure, print a table and keep the figures (ROWS=uki for one)",
    "stop": "stop the guests of `make run` and `make host`",
    "shell": "a root shell in that guest, by ssh",
    "logs": "what that guest's console has shown",
    "lock": "move the package locks to what the archive has now",
    "clean": "remove results; keep tools, caches, keys and releases",
    "distclean": "remove everything that was built or fetched; keep keys/",
    "help": "this list",
}
# Where the Makefile leaves what stood behind the target.
VARIABLES = "CODEX_VARIABLES"
KEPT_BY_SUDO = f"{VARIABLES},TERM,LANG,CI,NO_COLOR,http_proxy,https_proxy,no_proxy"
KEPT_BY_CLEAN = {
    *("tools", "cache", "archive", "archive-bookworm", "stamps", "venv", "lock", "release"),
}


def main(words: Sequence[str]) -> int:
    """Run one target.

    Exit status: 0, 1 for a failure, 2 for a request that cannot be understood, 70 for a bug, 130
    when it was stopped.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal may lack "…"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stopped)
    target, *rest = words or ["help"]
    rest += settings.split(os.environ.get(VARIABLES, ""))
    paths = Paths.find()
    try:
        return _run(target, rest, paths)
    except BuildError as error:
        _tell(error.message, error.hint, debug="DEBUG=1" in rest)
        return error.code
    except KeyboardInterrupt:
        _tell("", "What was complete is kept; the same command goes on from there.", debug=False)
        return 130
    except BrokenPipeError:
        # Who read our words, such as `head`, has gone; nothing can be told, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:  # noqa: BLE001 - this is the door
        hint = (
            f"The logs are in {paths.logs}; the same command with DEBUG=1 shows where it happened."
        )
        _tell(f"{type(error).__name__}: {_one_line(error)}", hint, debug="DEBUG=1" in rest)
        return 70


def _run(target: str, rest: Sequence[str], paths: Paths) -> int:
    chosen = settings.parse(rest, paths)
    if target not in TARGETS:
        raise BuildError(f"There is no target {target}.", hint="`make help` lists them.", code=2)
    if target != "help" and os.geteuid() != 0:
        _as_root(target, paths)
    return _dispatch(target, paths, chosen)


def _as_root(target: str, paths: Paths) -> NoReturn:
    """Start again under sudo: only now, so that a request with a mistake asks for no password."""
    if shutil.which("sudo") is None:
        raise BuildError(
            "The build mounts file systems and needs root, and there is no sudo here.",
            hint="Run make as root, or install sudo.",
        )
    sys.stdout.flush()
    front_door = str(paths.root / "images/builder/front-door")
    argv = ["sudo", f"--preserve-env={KEPT_BY_SUDO}", front_door, target]
    os.execvp("sudo", argv)  # noqa: S606 - on purpose no shell


def _stopped(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(message: str, hint: str, *, debug: bool) -> None:
    print(f"\nerror: {message}" if message else "\nStopped.", file=sys.stderr)
    if hint:
        print(f"hint:  {hint}", file=sys.stderr)
    if debug:
        traceback.print_exc()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no more is known"


def _dispatch(target: str, paths: Paths, chosen: Settings) -> int:
    if target == "help":
        return _help()
    if target == "shell":
        return run.shell(paths)
    light: dict[str, Callable[[], None]] = {
        "stop": lambda: _stop(paths),
        "logs": lambda: run.logs(paths),
    }
    if target in light:
        light[target]()
        return 0
    if target in {"clean", "distclean"}:
        # On a full disk or in a busy machine too: this is what makes room.
        with _alone(paths):
            _clean(paths, everything=target == "distclean")
        return 0
    preflight.host(paths)
    with _alone(paths):
        _work(target, paths, chosen)
    return 0


def _work(target: str, paths: Paths, chosen: Settings) -> None:
    if target == "run":
        if Guest.attach(run.NAME, paths) is None:
            # Before the build, which takes minutes; once more before the boot, when it counts.
            preflight.ports(chosen)
        run.start(paths, chosen, Image(paths, chosen, Tree(paths)).ensure())
    elif target == "host":
        host_run.start(paths, chosen)
    elif target == "bundle":
        _bundle(paths, chosen)
    elif target == "image":
        version = Image(paths, chosen, Tree(paths)).ensure()
        log.plain(f"The image is {paths.image(version, '.raw')}.")
    elif target == "release":
        _release(paths, chosen)
    elif target == "shell-entry":
        _shell_entry(paths, chosen)
    elif target == "test":
        Tests(paths, chosen).everything()
    elif target == "test-kernel":
        Tests(paths, chosen).kernel()
    elif target == "test-kernel-sanitized":
        Tests(paths, chosen).kernel("--codex-sanitized")
    elif target == "test-boot":
        Tests(paths, chosen).boot()
    elif target == "test-dkms":
        Tests(paths, chosen).dkms()
    elif target == "test-roles":
        Tests(paths, chosen).roles()
    elif target == "bench":
        Tests(paths, chosen).bench()
    elif target == "check":
        Tests(paths, chosen).check()
    else:
        relock.run(paths, chosen)


def _stop(paths: Paths) -> None:
    stopped = [part.stop(paths) for part in (run, host_run)]
    if not any(stopped):
        log.plain("No guest is running.")


def _release(paths: Paths, chosen: Settings) -> None:
    tree = Tree(paths)
    version = Image(paths, chosen, tree).ensure()
    made = Release(paths, tree, keep=chosen.keep).make(
        version, minimum_from=chosen.minimum_from or None
    )
    log.plain(f"{version} is in {made.folder}.")
    log.plain(
        f"{made.new_chunks} of its {made.chunks} chunks are new there: "
        f"{made.new_bytes / 1e6:.1f} MB."
    )


def _bundle(paths: Paths, chosen: Settings) -> None:
    suite = chosen.suite or SUITES[0]
    if suite not in SUITES:
        hint = f"There is one for {' and for '.join(SUITES)}."
        raise BuildError(f"There is no bundle for {suite}.", hint=hint, code=2)
    tree = Tree(paths)
    tree.ensure()
    made = Bundle(paths, tree, suite).make(version_of(paths))
    log.plain(f"The bundle is {made}; give this path in bundle_path (docs/hosts.md).")


def _shell_entry(paths: Paths, chosen: Settings) -> None:
    tree = Tree(paths)
    version = Image(paths, chosen, tree).ensure()
    made = BootEntry(paths, tree).make(version)
    log.plain(f"The entry is {made}.")
    log.plain(
        "Whoever starts it is root at the console of a host of this version, without a password: "
        "give it to nobody, and take it away when you are done (docs/operating.md)."
    )


def _help() -> int:
    log.plain("make TARGET [NAME=value ...]\n")
    width = max(map(len, TARGETS))
    for name, text in TARGETS.items():
        log.plain(f"  {name:<{width}} {text}")
    log.plain("")
    for name, text in settings.HELP.items():
        log.plain(f"  {name + '=':<{width}} {text}")
    return 0


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """Two builds in one folder would break each other: the second one is told so.

    Programs that the build starts inherit the lock, so that one which outlives a builder that was
    killed still holds it.
    """
    paths.build.mkdir(exist_ok=True)
    with (paths.build / "lock").open("a+") as lockfile:
        try:
            fcntl.flock(lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lockfile.seek(0)
            raise BuildError(
                "Another make works in this folder, or a program of one that was killed.",
                hint=f"Wait for it, or stop it: its process id is {lockfile.read().strip()}.",
            ) from error
        lockfile.truncate(0)
        lockfile.write(f"{os.getpid()}\n")
        lockfile.flush()
        os.set_inheritable(lockfile.fileno(), True)
        yield


def _clean(paths: Paths, *, everything: bool) -> None:
    for state in paths.guests.glob("*/state.json"):
        guest = Guest.attach(state.parent.name, paths)
        if guest is not None:
            with log.step(f"Stopping the guest {state.parent.name}"):
                guest.stop()
    keep = {"lock"} if everything else KEPT_BY_CLEAN
    for entry in paths.build.iterdir():
        if entry.name in keep:
            continue
        if mounted_below(entry):
            hint = "Unmount it and try again."
            raise BuildError(f"Something is mounted below {entry}.", hint=hint)
        _remove(entry)
    if not everything:
        for name in ("image", "initrd", "agent", "firmware", "kernel-files"):
            (paths.stamps / name).unlink(missing_ok=True)
    else:
        for name in ("node_modules", "dist"):
            shutil.rmtree(paths.root / "codex_agent/web" / name, ignore_errors=True)
        shutil.rmtree(paths.root / "tests/unit/house/node_modules", ignore_errors=True)
        log.plain("keys/ stays: without it, what was signed with it can no longer be updated.")


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()

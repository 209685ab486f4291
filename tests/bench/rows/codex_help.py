# SPDX-License-Identifier: Apache-2.0
"""Processor time of `codex --help`, as it is packed, against a program of argparse alone."""

import json
import shutil
from pathlib import Path

from builder.packages import LAUNCHER

from tests.bench.row import CannotRunError, Context, Figures, Goal, Row, Subject

FLOOR = "import argparse; argparse.ArgumentParser(prog='floor').parse_args(['--help'])"
# Measures inside the tree, so that the way into it does not count. argv: JSON list of a command.
DRIVER = """
import json, os, sys
argv = json.loads(sys.argv[1])
out = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawn(argv[0], argv, {"PATH": "/usr/bin", "LANG": "C.UTF-8"},
                     file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime]))
"""


def _unpacked(context: Context) -> Path:
    """The package as a host has it, and a launcher that finds it where it lies here."""
    found = sorted(context.paths.packages.glob("codex-agent_*.deb"))
    if not found:
        raise CannotRunError("The agent is not packed.", hint="`make image` packs it.")
    folder = context.folder / "codex-agent"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = context.paths.logs / "bench.log"
    context.tree.run(["dpkg-deb", "--extract", found[-1], folder], log=log)
    library = "/usr/lib/codex-agent/lib"
    if library not in LAUNCHER:
        raise CannotRunError("The launcher does not name its library any more.")
    launcher = folder / "launcher"
    launcher.write_text(LAUNCHER.replace(library, f"{folder}{library}"))
    return launcher


def _subjects(context: Context) -> list[Subject]:
    launcher = _unpacked(context)

    def take(*words: str) -> Figures:
        argv = json.dumps(["/usr/bin/python3", "-I", *words])
        answer = context.tree.output(["python3", "-c", DRIVER, argv])
        status, seconds = json.loads(answer)
        if status != 0:
            raise CannotRunError(f"{words[0]} ended with status {status}.")
        return {"cpu_ms": seconds * 1000}

    return [
        Subject("ours", lambda: take(str(launcher), "--help")),
        Subject("argparse alone", lambda: take("-c", FLOOR)),
    ]


ROW = Row(
    "codex-help",
    "`codex --help`",
    {"cpu_ms": "ms"},
    _subjects,
    [Goal("ours", "cpu_ms", 100)],
    rounds=15,
    quick=True,
    notes=("user and system time of the process, Python of the tools tree (the image's)",),
)

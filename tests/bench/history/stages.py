# SPDX-License-Identifier: Apache-2.0
"""Measures our analysis of one repository stage by stage, beside git itself.

    python -m tests.bench.history.stages {ours,git} REPOSITORY FOLDER [--stages …]

Prints JSON: processor seconds of this process and all its children unless a name says otherwise.
``FOLDER`` is ours alone and is emptied first. Each stage of ``ours`` is what a user waits for.
"""

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

STAGES = ("first_screen", "graph", "stream", "files", "reopen", "new", "commit_graph", "lines")
#: How many commits are new in the stage of that name.
NEW = 50
FORMAT = "--format=%H%x00%P%x00%an%x00%ae%x00%ct%x00%at%x00%s"
REFS = ("--branches", "--remotes", "--tags", "HEAD")


def cpu() -> float:
    """Processor seconds of this process and of its children that have ended."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        total += used.ru_utime + used.ru_stime
    return total


def ours(repository: Path, folder: Path, stages: list[str]) -> dict[str, float]:
    """Measure the library; imports are before the clock starts."""
    from codex_agent.repos.commits import first_screen, pages, stream
    from codex_agent.repos.history import History

    roots = [repository.resolve()]
    common = repository / ".git"
    roots += [common.resolve()] if common.is_dir() else []
    shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, float] = {}
    before, began = cpu(), time.monotonic()
    history = History(repository, roots, folder)
    first_screen(history, 200)
    found["first_screen_wall_s"] = time.monotonic() - began
    found["first_screen_cpu_s"] = cpu() - before

    def timed(name: str, act: Callable[[], object]) -> None:
        if name in stages:
            start = cpu()
            act()
            found[f"{name}_cpu_s"] = cpu() - start

    timed("graph", history.update)
    found["commits"] = history.store.count
    if "stream" in stages:
        people = history.people()
        start = cpu()
        content = b"".join(stream(history, people))
        found["stream_cpu_s"] = cpu() - start
        found["stream_bytes"] = len(content)
        found["stream_gzip_bytes"] = len(gzip.compress(content, 6))
    timed("files", history.read_files)
    if "reopen" in stages:
        history.close()
        start = cpu()
        history = History(repository, roots, folder)
        history.update()
        pages(history, 200)
        found["reopen_cpu_s"] = cpu() - start
    if "new" in stages:
        found["new_cpu_s"] = new_commits(repository, folder / "clone", roots)
    timed("commit_graph", history.write_commit_graph)
    timed("lines", history.read_lines)
    if "commit_graph" in stages:
        start = cpu()
        first_screen(history, 200)
        found["later_screen_cpu_s"] = cpu() - start
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["store_bytes"] = (folder / "history.db").stat().st_size
    history.close()
    return found


def new_commits(repository: Path, folder: Path, roots: list[Path]) -> float:
    """Measure an update by the newest commits of HEAD, in a clone that borrows all objects."""
    from codex_agent.repos.history import History

    def run(*words: str) -> str:
        return subprocess.run(
            ["git", *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    clone = folder / "clone.git"
    run("clone", "-q", "--bare", "--shared", "--single-branch", str(repository), str(clone))
    branch, tip = (
        run("-C", str(clone), "symbolic-ref", "HEAD"),
        run("-C", str(clone), "rev-parse", "HEAD"),
    )
    back = run("-C", str(clone), "rev-list", "--first-parent", f"--max-count={NEW + 1}", "HEAD")
    run("-C", str(clone), "update-ref", branch, back.split()[-1])
    history = History(clone, [*roots, folder.resolve()], folder / "state")
    history.update()
    run("-C", str(clone), "update-ref", branch, tip)
    start = cpu()
    history.update()
    used = cpu() - start
    history.close()
    shutil.rmtree(folder)
    return used


def git(repository: Path, stages: list[str]) -> dict[str, float]:
    """Measure git itself: what ours is a multiple of. Its output goes nowhere."""
    commands = {
        "first_screen": ["log", "-200", FORMAT, *REFS],
        "graph": ["log", "--topo-order", FORMAT, *REFS],
        "files": ["log", "--raw", "--no-renames", "--format=%H", *REFS],
        "lines": ["log", "--numstat", "-M", "--format=%H", *REFS],
    }
    found: dict[str, float] = {}
    for name, args in commands.items():
        if name in stages:
            start, began = cpu(), time.monotonic()
            subprocess.run(
                ["git", "-C", str(repository), *args], check=True, stdout=subprocess.DEVNULL,
                env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
            )  # fmt: skip
            found[f"{name}_cpu_s"] = cpu() - start
            found[f"{name}_wall_s"] = time.monotonic() - began
    return found


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measures the analysis of one repository.")
    parser.add_argument("subject", choices=("ours", "git"))
    parser.add_argument("repository", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stages", nargs="*", default=list(STAGES), choices=STAGES)
    given = parser.parse_args()
    if given.subject == "ours":
        found = ours(given.repository, given.folder, given.stages)
    else:
        found = git(given.repository, given.stages)
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))


if __name__ == "__main__":
    main()

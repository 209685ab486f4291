# SPDX-License-Identifier: Apache-2.0
"""Makes a repository of any number of commits, the same one for the same seed.

    python -m tests.bench.history.generate FOLDER --commits 82000 --seed 1

The shape is that of a busy project: few authors make most commits, few files take most changes, a
twentieth of the commits are merges of short branches, most commits change one or two files by a
few lines, and now and then a file is renamed, removed or added. ``git fast-import`` writes it. What
was made is told as JSON, so that whoever reads the repository has known answers.
"""

import argparse
import json
import random
import subprocess
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

START = 1_100_000_000
STEP_S = 600
LINES = 60
SIDE_MAX = 12
OPEN_MAX = 6
#: Commits to a file, roughly: git.git has 82,000 and 4,700 files.
COMMITS_PER_FILE = 20


@dataclass
class Answers:
    """What a generated history holds; ``changes`` are files of commits, without merges."""

    commits: int = 0
    merges: int = 0
    changes: int = 0
    renames: int = 0
    authors: int = 0


class _Side:
    """A branch that is open: its tip, and what it has changed."""

    def __init__(self, tip: int, length: int) -> None:
        self.tip, self.left = tip, length
        self.files: set[int] = set()


class History:
    """Yields what ``git fast-import`` reads."""

    def __init__(self, commits: int, seed: int) -> None:
        self.wanted = commits
        self.answers = Answers()
        self._random = random.Random(seed)
        self._files: list[array[int]] = []
        self._names: list[str] = []
        self._authors: set[int] = set()
        self._on_main: set[int] = set()
        self._most = max(4, commits // COMMITS_PER_FILE)

    def stream(self) -> Iterator[bytes]:
        """Yield the whole history, a commit at a time, then the tip of its branch."""
        pick = self._random
        main = 0
        sides: list[_Side] = []
        while self.answers.commits < self.wanted:
            done = [side for side in sides if not side.left]
            if done and main:
                side = done[0]
                sides.remove(side)
                yield self._merge(main, side)
                main = self.answers.commits
            elif sides and pick.random() < 0.45:
                side = pick.choice(sides)
                if side.left:
                    changed, text = self._change(side.tip, side)
                    side.files |= changed
                    side.left -= 1
                    side.tip = self.answers.commits
                    yield text
            else:
                changed, text = self._change(main, None)
                self._on_main |= changed
                main = self.answers.commits
                yield text
                if len(sides) < OPEN_MAX and pick.random() < 0.12:
                    sides.append(_Side(main, pick.randint(1, SIDE_MAX)))
        yield f"reset refs/heads/main\nfrom :{main}\n\n".encode()
        for number, side in enumerate(sides):
            yield f"reset refs/heads/open-{number}\nfrom :{side.tip}\n\n".encode()
        self.answers.authors = len(self._authors)

    def _head(self, parent: int, subject: str, merged: int = 0) -> bytes:
        pick = self._random
        number = self.answers.commits = self.answers.commits + 1
        author = min(int(pick.paretovariate(0.6)), 2000)
        self._authors.add(author)
        when = START + number * STEP_S
        zone = pick.choice(("+0000", "+0100", "-0700", "+0530"))
        lines = [
            "commit refs/heads/main", f"mark :{number}",
            f"author Author {author} <author{author}@example.org> {when - 60} {zone}",
            f"committer Keeper <keeper@example.org> {when} +0000", f"data {len(subject)}", subject,
        ]  # fmt: skip
        # Without a parent, fast-import would take the last commit of the branch.
        lines += [f"from :{parent}"] if parent else []
        lines += [f"merge :{merged}"] if merged else []
        return "\n".join([*lines, ""]).encode()

    def _change(self, parent: int, side: _Side | None) -> tuple[set[int], bytes]:
        pick = self._random
        head = self._head(parent, f"Change {self.answers.commits} of {pick.randint(1, 999)} parts")
        parts = [head]
        changed: set[int] = set()
        for _ in range(1 + (pick.random() < 0.4) + (pick.random() < 0.2)):
            grow = len(self._files) < self._most and pick.random() < 0.08
            if grow or not self._files:
                self._files.append(array("I", (pick.getrandbits(24) for _ in range(LINES))))
                self._names.append(self._name(len(self._names)))
                at = len(self._files) - 1
            else:
                at = min(int(len(self._files) * pick.random() ** 3), len(self._files) - 1)
                lines = self._files[at]
                for _ in range(pick.randint(1, 4)):
                    lines[pick.randrange(len(lines))] = pick.getrandbits(24)
                if pick.random() < 0.3:
                    lines.insert(pick.randrange(len(lines)), pick.getrandbits(24))
            changed.add(at)
        # A file that is known on a branch alone keeps its name until that is merged.
        if side is None and parent and pick.random() < 0.004:
            old = pick.randrange(len(self._files))
            if old in self._on_main and old not in changed:
                new = self._name(len(self._names) + self.answers.commits)
                parts.append(f"R {self._names[old]} {new}\n".encode())
                self._names[old] = new
                changed.add(old)
                self.answers.renames += 1
        parts += [self._blob(at) for at in sorted(changed)]
        self.answers.changes += len(changed)
        return changed, b"".join([*parts, b"\n"])

    def _name(self, number: int) -> str:
        return f"part{number % 23}/area{number % 101}/file{number}.c"

    def _blob(self, at: int) -> bytes:
        content = "".join(f"line {seed:08x}\n" for seed in self._files[at]).encode()
        return f"M 100644 inline {self._names[at]}\ndata {len(content)}\n".encode() + content

    def _merge(self, main: int, side: _Side) -> bytes:
        self.answers.merges += 1
        self._on_main |= side.files
        head = self._head(main, f"Merge {len(side.files)} files", side.tip)
        return b"".join([head, *(self._blob(at) for at in sorted(side.files)), b"\n"])


def make(folder: Path, commits: int, seed: int = 1) -> Answers:
    """Make a bare repository in ``folder``, which must not be there; returns what it holds."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    history = History(commits, seed)
    argv = ["git", "-C", str(folder), "fast-import", "--quiet", "--depth=50"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        for part in history.stream():
            child.stdin.write(part)
        child.stdin.close()
        if child.wait():
            raise SystemExit(f"git fast-import ended with status {child.returncode}")
    return history.answers


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Makes a repository of any number of commits.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(asdict(make(given.folder, given.commits, given.seed))))


if __name__ == "__main__":
    main()

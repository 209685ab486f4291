# SPDX-License-Identifier: Apache-2.0
"""The collection is made of what git keeps: nothing that lies about is given away."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.collection import Collection
from builder.paths import Paths
from builder.tree import Tree

if TYPE_CHECKING:
    import pytest


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def test_it_is_what_git_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    for name in ("roles/a/tasks/main.yml", "galaxy.yml", "gone.yml", "keys/secret"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", "roles", "galaxy.yml", "gone.yml")
    (tmp_path / "gone.yml").unlink()
    seen: list[str] = []

    def build(argv: list[Any], **_: Any) -> None:
        assert argv[:3] == ["ansible-galaxy", "collection", "build"]
        clone = Path(argv[-1])
        seen.extend(str(p.relative_to(clone)) for p in sorted(clone.rglob("*")) if p.is_file())
        (Path(argv[4]) / "codex-os-0.1.0.tar.gz").touch()

    tree = Tree(Paths(tmp_path))
    monkeypatch.setattr(tree, "run", build)
    for _ in range(2):
        made = Collection(Paths(tmp_path), tree).make()
    assert made.name == "codex-os-0.1.0.tar.gz"
    assert seen == ["galaxy.yml", "roles/a/tasks/main.yml"] * 2
    assert [path.name for path in made.parent.iterdir()] == [made.name]

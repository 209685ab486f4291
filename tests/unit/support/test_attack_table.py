# SPDX-License-Identifier: Apache-2.0
"""The table of attacks: what is written, and that nothing is where nothing was tried."""

import json
from pathlib import Path

import pytest

from tests.support.attack_table import Table
from tests.support.workers import mine


def test_rows_in_order_and_both_forms(tmp_path: Path) -> None:
    table = Table()
    table.add("b", "a bit | flipped", "it came back", "two\nlines", 3)
    table.add("a", "cut", "fine", "said")
    table.write(tmp_path / "attacks")
    lines = (tmp_path / "attacks.md").read_text().splitlines()
    assert lines[2:] == [
        "| a | cut | 1 | fine | said |", "| b | a bit \\| flipped | 3 | it came back | two lines |",
    ]  # fmt: skip
    content = json.loads((tmp_path / "attacks.json").read_text())
    assert [row["tried"] for row in content["attacks"]] == [1, 3]
    assert content["figures"] == {}


def test_figures_stand_below(tmp_path: Path) -> None:
    table = Table(figures={"apply_s": 43.2})
    table.add("a", "cut", "fine", "said")
    table.write(tmp_path / "attacks")
    assert (tmp_path / "attacks.md").read_text().splitlines()[-1] == "| apply_s | 43.2 |"
    assert json.loads((tmp_path / "attacks.json").read_text())["figures"] == {"apply_s": 43.2}


def test_nothing_where_nothing_was_tried(tmp_path: Path) -> None:
    Table().write(tmp_path / "attacks")
    assert list(tmp_path.iterdir()) == []


def test_what_several_processes_have_seen_is_one_table(tmp_path: Path) -> None:
    one, other, whole = Table(), Table(), Table()
    one.add("panic", "ends", "came back", "it did not start")
    one.add("update", "by http", "blessed", "from one")
    one.figures = {"apply_s": 1.0}
    other.add("update", "by http", "blessed", "from the other")
    other.figures = {"apply_s": 2.0, "rollback_s": 3.0}
    for number, table in enumerate((one, other)):
        table.write(tmp_path / f"attacks-gw{number}")
        whole.take((tmp_path / f"attacks-gw{number}.json").read_text(encoding="utf-8"))
    assert [(row.attack, row.tried, row.said) for row in whole.rows] == [
        ("panic", 1, "it did not start"), ("update", 2, "from one"),
    ]  # fmt: skip
    assert whole.figures == {"apply_s": 1.0, "rollback_s": 3.0}


def test_names_differ_only_between_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert mine("attacks") == "attacks"
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    assert mine("attacks") == "attacks-gw1"

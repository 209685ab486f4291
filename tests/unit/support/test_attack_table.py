# SPDX-License-Identifier: Apache-2.0
"""The table of attacks: what is written, and that nothing is where nothing was tried."""

import json
from pathlib import Path

from tests.support.attack_table import Table


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

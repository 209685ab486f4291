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
    assert [row["tried"] for row in json.loads((tmp_path / "attacks.json").read_text())] == [1, 3]


def test_nothing_where_nothing_was_tried(tmp_path: Path) -> None:
    Table().write(tmp_path / "attacks")
    assert list(tmp_path.iterdir()) == []

# SPDX-License-Identifier: Apache-2.0
"""The order of the suites."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tests.support import order

if TYPE_CHECKING:
    import pytest


@dataclass
class _Item:
    """What the sort key looks at of a test."""

    path: Path
    fixturenames: tuple[str, ...] = ()
    damages: bool = False

    def get_closest_marker(self, name: str) -> str | None:
        return name if self.damages else None


def test_damage_is_last_and_own_machines_come_first() -> None:
    folder = Path("/somewhere/tests")
    wanted = [
        _Item(folder / "unit/support/test_x.py"),
        _Item(folder / "image/test_x.py"),
        _Item(folder / "boot/test_own_machine.py"),
        _Item(folder / "boot/test_zzz_own_machine.py", ("artefacts",)),
        _Item(folder / "boot/test_a.py", ("guest",)),
        _Item(folder / "boot/test_b.py", ("host",)),
        _Item(folder / "host/test_a.py", ("guest",)),
        _Item(folder / "web/test_a.py", ("guest",)),
        _Item(folder / "host/test_damage.py", ("guest",), damages=True),
        _Item(folder / "web/test_damage.py", ("guest",), damages=True),
    ]
    ranked = sorted(
        [*wanted[4:], *wanted[:4]], key=lambda item: order.rank(cast("pytest.Item", item))
    )
    assert ranked == wanted

# SPDX-License-Identifier: Apache-2.0
"""The image stays within the sizes of budgets.toml."""

from pathlib import Path
from typing import Any

from tests.support import erofs
from tests.support.artefacts import Artefacts


def test_uki(artefacts: Artefacts, budgets: dict[str, Any]) -> None:
    for file in (artefacts.uki, artefacts.reset):
        assert file.stat().st_size <= budgets["uki"]["max_bytes"], file.name


def test_root(root_partition: Path, budgets: dict[str, Any]) -> None:
    assert erofs.used_bytes(root_partition) <= budgets["root"]["max_bytes"]

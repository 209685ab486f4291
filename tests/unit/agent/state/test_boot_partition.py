# SPDX-License-Identifier: Apache-2.0
"""What lies on the boot partition that no version brought, and who decides what starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import verify as command
from codex_agent.state import bootpartition
from codex_agent.state.verify import verify
from tests.unit.agent.state.conftest import LOADER, WORDS, program

if TYPE_CHECKING:
    from tests.unit.agent.trees import Tree


def test_settings_are_those_of_the_image(image: Tree) -> None:
    lines = [line for line in LOADER.read_text().splitlines() if not line.startswith("#")]
    assert dict(line.split(None, 1) for line in lines) == bootpartition.DEFAULTS
    # What explains them may change with a version; the file does not.
    image.put("/efi/loader/loader.conf", "\r\n".join(["# another", *lines, ""]))
    assert verify(image.root).answer == "no difference"


@pytest.mark.parametrize("path", [
    "EFI/Linux/codex-os_0.1.58.efi", "EFI/Linux/codex-os_0.1.58+3-0.efi",
    "EFI/Linux/codex-os-reset_0.1.58.efi", "EFI/LINUX/CODEX-OS-RESET_0.1.58.EFI",
    "loader/random-seed",
])  # fmt: skip
def test_what_versions_and_the_system_bring(image: Tree, path: str) -> None:
    image.put(f"/efi/{path}", "x")
    assert verify(image.root).answer == "no difference"


@pytest.mark.parametrize(("path", "says"), [
    ("EFI/Linux/codex-os-shell_0.1.57.efi", "opens root shells"),
    ("EFI/Linux/Codex-OS-Shell_0.1.57.EFI", "opens root shells"),
    ("EFI/Linux/other.efi", "an entry of its menu"),
    ("EFI/Linux/codex-os-reset_x_y.efi", "an entry of its menu"),
    ("EFI/Linux/codex-os_0.1.57.efi.extra.d/more.addon.efi", "may be added to its start"),
    ("loader/entries/other.conf", "no version brought it to the boot partition"),
    ("loader/addons/more.addon.efi", "no version brought it to the boot partition"),
    ("loader/credentials/x.cred", "no version brought it to the boot partition"),
    ("EFI/systemd/drivers/x.efi", "no version brought it to the boot partition"),
])  # fmt: skip
def test_what_nobody_of_ours_brought(image: Tree, path: str, says: str) -> None:
    image.put(f"/efi/{path}", "x")
    (found,) = verify(image.root).differences
    assert (found.place, found.kind, found.lasts) == (f"/efi/{path}", "added", True)
    assert says in found.message


def test_shells_that_start_by_themselves(image: Tree) -> None:
    image.put("/efi/EFI/Linux/codex-os-shell_0.1.57.efi", program(f"{WORDS} codex.shell"))
    image.put(
        "/efi/loader/loader.conf", "default codex-os-shell_*\ntimeout menu-force\neditor no\n"
    )
    found = verify(image.root)
    assert found.answer == "differs"
    entry, settings = found.differences
    assert entry.place.endswith("codex-os-shell_0.1.57.efi")
    assert [(s.name, s.default, s.value) for s in settings.settings] == [
        ("console-mode", "keep", "not set"),
        ("default", "codex-os_*.efi", "codex-os-shell_*"),
        ("timeout", "0", "menu-force"),
    ]
    assert "menu-force" in command.text(found)


def test_settings_that_are_gone(image: Tree) -> None:
    image.remove("/efi/loader/loader.conf")
    (found,) = verify(image.root).differences
    assert (found.place, found.kind) == ("/efi/loader/loader.conf", "missing")


def test_settings_that_cannot_be_read(image: Tree) -> None:
    image.remove("/efi/loader/loader.conf")
    image.path("/efi/loader/loader.conf").mkdir()
    found = verify(image.root)
    assert (found.answer, found.differences) == ("unknown", [])


def test_a_partition_without_end(image: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex_agent.state.beside._ENTRIES", 3)
    assert ("/efi", "it has more than 3 entries") in [
        (entry.place, entry.reason) for entry in verify(image.root).unread
    ]

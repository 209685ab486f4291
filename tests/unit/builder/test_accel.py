# SPDX-License-Identifier: Apache-2.0
"""KVM is believed when it has run a kernel."""

from pathlib import Path

import pytest
from builder import accel, uki
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device node, and a machine that has booted once."""
    (tmp_path / "kvm").write_text("")
    (tmp_path / "boot_id").write_text("first\n")
    monkeypatch.setattr(accel, "KVM", tmp_path / "kvm")
    monkeypatch.setattr(accel, "BOOT_ID", tmp_path / "boot_id")
    return tmp_path


def _choose(paths: Paths, tree: HostTree) -> str:
    return accel.choose(paths, tree, paths.root / "linux")


def test_kernel_that_speaks_proves_kvm(
    node: Path, paths: Paths, tree: HostTree, programs: Programs
) -> None:
    programs.add("qemu-system-x86_64", "echo 'Linux version 7.3'; exit 1")
    assert _choose(paths, tree) == "kvm"


@pytest.mark.parametrize("body", ["exit 1", "echo 'failed to initialize kvm' >&2", "sleep 60"])
def test_node_that_opens_but_runs_nothing(
    node: Path, paths: Paths, tree: HostTree, programs: Programs,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, body: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(accel, "PROBE_SECONDS", 0.3)
    programs.add("qemu-system-x86_64", f"exec {body}" if body.startswith("sleep") else body)
    assert _choose(paths, tree) == "tcg"
    assert capsys.readouterr().out.count("cannot run a guest") == 1
    assert _choose(paths, tree) == "tcg"
    assert capsys.readouterr().out == ""
    assert len(programs.calls()) == 1


def test_no_node_is_said_without_a_trial(
    node: Path, paths: Paths, tree: HostTree, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.add("qemu-system-x86_64")
    (node / "kvm").unlink()
    assert _choose(paths, tree) == "tcg"
    assert "There is no" in capsys.readouterr().out
    assert programs.calls() == []


@pytest.mark.parametrize("kept", ["other kvm", "first", "first maybe", "", "first kvm more"])
def test_answer_of_another_boot_or_none_is_asked_again(
    node: Path, paths: Paths, tree: HostTree, programs: Programs, kept: str
) -> None:
    (paths.build / "accelerator").write_text(kept)
    programs.add("qemu-system-x86_64", "echo 'Linux version 7.3'")
    assert _choose(paths, tree) == "kvm"
    assert (paths.build / "accelerator").read_text() == "first kvm\n"
    assert len(programs.calls()) == 1


def test_parts_of_a_uki_follow_its_content(
    paths: Paths, tree: HostTree, programs: Programs
) -> None:
    paths.image_dir.mkdir()
    image = paths.image("1", ".efi")
    image.write_text("one")
    programs.add("objcopy", 'for last; do :; done; cat "$3" >"$last"')
    first = uki.unpack(paths, tree, "1")
    assert sorted(path.name for path in first.iterdir()) == [
        "cmdline",
        "complete",
        "initrd",
        "linux",
    ]
    assert uki.command_line(first) == "one"
    assert uki.unpack(paths, tree, "1") == first
    assert len(programs.calls("objcopy")) == 3
    # The same version, built again from a tree that is not committed.
    image.write_text("two")
    second = uki.unpack(paths, tree, "1")
    assert uki.command_line(second) == "two"
    assert not first.exists()


def test_parts_that_broke_off_are_taken_out_again(
    paths: Paths, tree: HostTree, programs: Programs
) -> None:
    paths.image_dir.mkdir()
    paths.image("1", ".efi").write_text("one")
    programs.add("objcopy", 'for last; do :; done; cat "$3" >"$last"')
    folder = uki.unpack(paths, tree, "1")
    (folder / "complete").unlink()
    (folder / "cmdline").write_text("half")
    assert uki.command_line(uki.unpack(paths, tree, "1")) == "one"

# SPDX-License-Identifier: Apache-2.0
"""The files that follow from the schemas are those that would be made now."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_agent.errors import CodexError
from codex_agent.kernel.schema import __main__ as command
from codex_agent.kernel.schema import targets


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that the generator takes for its own."""
    (tmp_path / "kernel/linux").mkdir(parents=True)
    monkeypatch.setattr(targets.differing, "__defaults__", (tmp_path,))
    monkeypatch.setattr(targets.write, "__defaults__", (tmp_path,))
    return tmp_path


def test_stored_files_are_current() -> None:
    assert targets.differing() == [], "run: python -m codex_agent.kernel.schema"


def test_all_files_of_the_folders_are_made() -> None:
    made = set(targets.texts())
    kept = {
        "kernel/linux/include/uapi/codex": "*",
        "kernel/linux/include/codex": "*_proc.h",
        "codex_agent/kernel/abi": "ai_*",
    }
    for folder, pattern in kept.items():
        stored = {f"{folder}/{path.name}" for path in (targets.REPOSITORY / folder).glob(pattern)}
        assert stored
        assert stored <= made


def test_what_is_missing_or_changed_is_written_and_then_good(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--check"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == len(targets.texts())
    assert not (repository / "codex_agent").exists(), "--check changes nothing"
    assert command.main([]) == 0
    assert command.main(["--check"]) == 0
    victim = repository / "codex_agent/kernel/abi/ai_gpu.py"
    victim.write_bytes(victim.read_bytes().replace(b"\n", b"\r\n"))
    capsys.readouterr()
    assert command.main(["--check"]) == 1
    assert capsys.readouterr().out == "codex_agent/kernel/abi/ai_gpu.py is not up to date\n"
    assert command.main([]) == 0
    assert victim.read_text() == targets.texts()["codex_agent/kernel/abi/ai_gpu.py"]
    assert not list(repository.rglob(".*")), "no part of a file is left"


def test_a_failing_write_leaves_the_old_file(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.main([])
    victim = repository / "codex_agent/kernel/abi/ai_mem.py"
    victim.write_text("old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        targets.write()
    assert victim.read_text() == "old"
    assert not list(repository.rglob(".*"))


def test_an_installed_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodexError, match="is not the repository"):
        targets.write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_tells_a_fault_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(targets.differing, "__defaults__", (tmp_path,))
    assert command.main(["--check"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == ["error", "hint"]

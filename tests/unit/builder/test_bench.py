# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: the order of measuring, what is written down, and the readers of figures."""

import json
import os
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.paths import Paths
from builder.settings import Settings

from tests.bench import machine, main, measure, report
from tests.bench.row import CannotRunError, Context, Goal, Row, Subject
from tests.bench.rows import ROWS, boot, idle_cost, root_image
from tests.unit.builder.conftest import HostTree, Programs

AT = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)


@pytest.fixture
def context(paths: Paths, tree: HostTree) -> Context:
    return Context(paths, Settings(), tree)


def _row(*subjects: Subject, goals: tuple[Goal, ...] = ()) -> Row:
    return Row("x", "X", {"ms": "ms"}, lambda context: subjects, goals, rounds=3)


def _counting(name: str, calls: list[str], *values: float) -> Subject:
    given = iter(values)

    def take() -> Mapping[str, float]:
        calls.append(name)
        return {"ms": next(given)}

    return Subject(name, take)


def test_subjects_take_turns(context: Context) -> None:
    calls: list[str] = []
    row = _row(_counting("a", calls, 1, 5, 3), _counting("b", calls, 2, 2, 2))
    samples = measure.run(row, context, 3)
    assert calls == ["a", "b"] * 3
    assert samples == {"a": {"ms": [1, 5, 3]}, "b": {"ms": [2, 2, 2]}}


def test_figure_that_is_missing_in_a_round_is_an_error(context: Context) -> None:
    answers = iter([{"ms": 1.0}, {}])
    with pytest.raises(ValueError, match="round 2"):
        measure.run(_row(Subject("a", lambda: next(answers))), context, 2)
    with pytest.raises(ValueError, match="has no unit"):
        measure.run(_row(Subject("a", lambda: {"kg": 1.0})), context, 1)


def test_goals_are_judged_by_medians() -> None:
    samples = {"a": {"ms": [1.0, 9.0, 2.0]}, "b": {"ms": [4.0, 4.0, 1.0]}}
    goals = [Goal("a", "ms", 2), Goal("a", "ms", 0.25, times="b"), Goal("b", "ms", 1.0, times="a")]
    judged = measure.judge(goals, samples)
    assert [(j.value, j.limit, j.met) for j in judged] == [
        (2, 2, True),
        (2, 1, False),
        (4, 2, False),
    ]
    assert goals[1].text() == "a ms <= 0.25 x b"


def _document(context: Context) -> dict[str, object]:
    row = _row(goals=(Goal("a", "ms", 2),))
    samples = {"a": {"ms": [1.0, 9.00049, 2.0]}}
    about = {"version": "0.1.2", "machine": machine.describe(context.paths)}
    return report.document(row, samples, measure.judge(row.goals, samples), about, AT)


def test_document_keeps_the_raw_values(context: Context) -> None:
    found = _document(context)
    assert found["measured_at"] == "2026-11-22T09:00:00Z"
    assert found["rounds"] == 3
    assert found["figures"] == [
        {"subject": "a", "figure": "ms", "unit": "ms", "median": 2.0, "min": 1.0, "max": 9.0,
         "samples": [1.0, 9.0, 2.0]},
    ]  # fmt: skip
    assert found["goals"] == [{"goal": "a ms <= 2", "limit": 2, "value": 2.0, "met": True}]
    assert "goal a ms <= 2: met, 2.00 against 2.00" in report.table(found)


def test_nothing_that_was_measured_is_overwritten(context: Context, tmp_path: Path) -> None:
    found = _document(context)
    names = [report.write(tmp_path / "measured", found).name for _ in range(3)]
    assert names == ["2026-11-22-x.json", "2026-11-22-x-2.json", "2026-11-22-x-3.json"]
    assert json.loads((tmp_path / "measured" / names[0]).read_text()) == found


def test_machine_is_described_and_not_named(context: Context) -> None:
    (context.paths.build / "accelerator").write_text("boot-id tcg\n")
    found = machine.describe(context.paths)
    assert found["guests_run_by"] == "tcg"
    assert set(found) == {"processor", "cores", "memory_mib", "system", "kernel", "guests_run_by"}
    assert len(machine.load()) == 3


def test_rows_have_names_of_their_own_and_known_figures() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.rounds >= 1
        assert {goal.figure for goal in row.goals} <= set(row.units)


def test_rows_are_chosen_by_name() -> None:
    assert main.choose([]) == list(ROWS)
    assert [row.name for row in main.choose(["boot", "uki", "boot"])] == ["boot", "uki"]
    with pytest.raises(BuildError, match="There is no row 'bot'") as error:
        main.choose(["bot"])
    assert "Did you mean boot?" in error.value.hint


def test_row_that_cannot_run_says_why_and_the_others_go_on(
    context: Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[str] = []

    def one(row: Row, context: Context, rounds: int) -> None:
        if row.name == "uki":
            raise CannotRunError("There is no image to measure.")
        measured.append(f"{row.name} {rounds}")

    monkeypatch.setattr(main, "_one", one)
    monkeypatch.setattr(main, "Tree", HostTree)
    monkeypatch.setattr(HostTree, "ensure", lambda self: None)
    main.run(context.paths, Settings(rows="uki codex-help", repeats=2))
    assert measured == ["codex-help 2"]
    assert "uki cannot run: There is no image" in capsys.readouterr().out
    with pytest.raises(BuildError, match="No row could be measured") as error:
        main.run(context.paths, Settings(rows="uki"))
    assert "There is no image" in error.value.hint


def test_no_image_is_a_reason(context: Context) -> None:
    for name in ("uki", "root-image", "idle-cost"):
        (row,) = main.choose([name])
        with pytest.raises(CannotRunError, match="no image"):
            row.subjects(context)


def _erofs(path: Path, offset: int, blocks: int, bits: int, magic: int = 0xE0F5E1E2) -> None:
    block = bytearray(128)
    struct.pack_into("<IIIB", block, 0, magic, 0, 0, bits)
    struct.pack_into("<I", block, 36, blocks)
    path.write_bytes(bytes(offset + 1024) + block)


def test_used_bytes_of_erofs(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    _erofs(disk, 4096, blocks=1000, bits=12)
    assert root_image.used_bytes(disk, 4096) == 4_096_000
    with pytest.raises(BuildError, match="no erofs"):
        root_image.used_bytes(disk, 0)


def test_root_that_is_filled_is_measured(context: Context, programs: Programs) -> None:
    context.paths.image_dir.mkdir()
    (context.paths.image_dir / "latest").write_text("1\n")
    disk = context.paths.image("1", ".raw")
    _erofs(disk, 8192, blocks=256, bits=12)
    root = {"type": root_image.ROOT, "start": 16, "name": "codex-os_1"}
    other = {**root, "start": 0, "name": "_empty"}
    table = json.dumps({"partitiontable": {"sectorsize": 512, "partitions": [other, root]}})
    programs.add("sfdisk", f"echo '{table}'")
    (subject,) = root_image.ROW.subjects(context)
    assert subject.take() == {"used_mib": 1.0}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Startup finished in 1.5s (kernel) + 2.5s (userspace) = 4.062s \ngraphical", 4.062),
        ("Startup finished in 58s (kernel) + 1min 2s (userspace) = 2min 345ms ", 120.345),
        ("x = 1h 1min 1s", 3661.0),
    ],
)
def test_words_of_systemd_analyze(text: str, seconds: float) -> None:
    assert boot.analysed_seconds(text) == pytest.approx(seconds)


def test_boot_that_is_not_finished_has_no_figure() -> None:
    with pytest.raises(ValueError, match="systemd-analyze said"):
        boot.analysed_seconds("Bootup is not yet finished")


def test_processor_seconds_of_a_process_with_blanks_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = " ".join(str(n) for n in range(3, 53))
    (tmp_path / "7/stat").write_text(f"7 (a) b) {fields}\n")
    ticks = machine.processor_seconds(7, tmp_path) * os.sysconf("SC_CLK_TCK")
    assert ticks == pytest.approx(14 + 15)


MIB = 1 << 20
BEFORE = (
    f"100.0\n. 1000000 {99 * MIB} 5\ncodex-agent.service 400000 {30 * MIB} {20 * MIB}\n"
    "a.service 5 5 5\n"
)
AFTER = (
    f"200.0\n. 2500000 {100 * MIB} 5\ncodex-agent.service 900000 {40 * MIB} {25 * MIB}\n"
    f"a.service 200005 {MIB} {MIB}\nnew.service 7 7 7\n"
)


def test_cost_of_what_ended_is_ours_and_that_of_others_is_not() -> None:
    found = idle_cost.compare(idle_cost.Accounts(BEFORE), idle_cost.Accounts(AFTER))
    # 1.5 s of all in 100 s, of which 0.2 s are of another living service.
    assert found["cpu_all_percent"] == pytest.approx(1.5)
    assert found["cpu_percent"] == pytest.approx(1.3)
    assert found["memory_mib"] == pytest.approx(40)
    assert found["anon_mib"] == pytest.approx(25)
    assert found["memory_all_mib"] == pytest.approx(100)


def test_accounts_without_the_slice_are_none() -> None:
    with pytest.raises(ValueError, match="no account of itself"):
        idle_cost.Accounts("1.0\ncodex-agent.service 1 1 1\n")

# SPDX-License-Identifier: Apache-2.0
"""``codex kernel``: text and JSON say the same, and the exit status says how it ended."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.cli import kernel, main
from codex_agent.kernel import request
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.request import Check, RequestResult
from tests.unit.agent import trees
from tests.unit.agent.trees import AI_GPU, AI_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.agent.trees import Tree

RESULT = RequestResult(
    backend="ai_mem", backend_reason=None, device="/dev/ai_gpu0", address="0000:00:04.0",
    identity="1234:11e8", length=4096, argument=10, result=3628800, explicit_copied_bytes=0,
    bounced_bytes=0, checks=(Check("computed", True, "10! is right"),),
)  # fmt: skip


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tree: Tree) -> Tree:
    monkeypatch.setattr(kernel, "Root", lambda: tree.root)
    return tree


def test_stats_of_both_modules(on: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    trees.image(on)
    assert main.main(["kernel", "stats"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line in (
        "Memory pool      /proc/ai_memory, 0 ms ago",
        "Total            256.0 MiB, 65536 blocks of 4.0 KiB",
        "Allocated        68.0 KiB",
        "Node 0           68.0 KiB allocated, 256.0 MiB filled",
        "Owners           2",
        "                 4.0 KiB  process 977, user 0, control group /system.slice/a.service",
        "Device           1234:11e8, active",
        "  to it          3 transfers, 12.0 KiB",
        "  from it        1 transfer, 4.0 KiB",
        "  bounced        0 B",
        "  link           16 GT/s x8, at most 32 GT/s x16",
        "  corrected      0x00002000",
        "  not corrected  none",
    ):
        assert line in lines, line
    assert all(line == line.rstrip() for line in lines)
    assert not any("None" in line for line in lines)


def test_stats_as_json(on: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    trees.image(on)
    assert main.main(["kernel", "stats", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["scheduler", "memory", "gpu", "tracing"]
    for entry in data.values():
        assert list(entry) == ["state", "source", "age_ms", "reason", "hint", "missing", "figures"]
        assert (entry["figures"] is None) == (entry["reason"] is not None)
    assert data["memory"]["figures"]["allocated_bytes"] == 69632


def test_stats_of_a_host_without_them(on: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    trees.mutable_host(on)
    assert main.main(["kernel", "stats"]) == 0
    text = capsys.readouterr().out
    assert text.count("unavailable (the module ") == 3
    assert "hint: On a mutable host the package codex-kernel-dkms builds it." in text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tree: trees.modules(tree, "ai_mem", loaded=False), "and not loaded"),
        (lambda tree: tree.put("/proc/ai_memory", AI_MEMORY[:99]), "malformed: line "),
        (lambda tree: tree.put("/proc/ai_gpu", AI_GPU[1:]), "malformed: line 1"),
    ],
)
def test_stats_fail_where_one_should_answer(
    on: Tree, capsys: pytest.CaptureFixture[str], change: Callable[[Tree], Any], reason: str
) -> None:
    trees.mutable_host(on)
    change(on)
    assert main.main(["kernel", "stats"]) == kernel.EXIT_DEGRADED
    text = capsys.readouterr().out
    assert reason in text
    assert "hint: " in text
    assert main.main(["kernel", "stats", "--json"]) == kernel.EXIT_DEGRADED


def test_status_has_the_main_figures(tree: Tree) -> None:
    from codex_agent.cli import render

    text = render.text(trees.image(tree).sample().shown(tree.clock.monotonic()))
    devices = "1234:11e8 active, transfers 3 to it and 1 from it, launches 2, observed 2"
    for line in (
        "AI memory        68.0 KiB allocated, 256.0 MiB filled of 256.0 MiB, owners 2",
        f"AI devices       {devices}",
        "Tracing          unavailable (this version of the agent has no tracing service)",
    ):
        assert line in text.splitlines(), line


def test_names_of_the_kernel_cannot_write_to_the_terminal(
    on: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.image(on)
    evil = AI_MEMORY.replace("/system.slice/a.service", "/a\x1b[2J\x07")
    on.put("/proc/ai_memory", evil)
    main.main(["kernel", "stats"])
    assert "\x1b" not in capsys.readouterr().out


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], list[Any]]:
    """Let a request end in a result or an error, and return what it was asked for."""
    asked: list[Any] = []

    def use(outcome: Any) -> list[Any]:
        def run(device: int | str = 0) -> RequestResult:
            asked.append(device)
            if isinstance(outcome, Exception):
                raise outcome
            found: RequestResult = outcome
            return found

        monkeypatch.setattr(request, "run", run)
        monkeypatch.setattr(kernel, "DEVICES", tmp_path)
        return asked

    return use


def test_request(doing: Callable[[Any], list[Any]], capsys: pytest.CaptureFixture[str]) -> None:
    asked = doing(RESULT)
    assert main.main(["kernel", "request"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Request          right, nothing copied",
        "Memory from      ai_mem",
        "Device           /dev/ai_gpu0, 1234:11e8 at 0000:00:04.0",
        "Data             4.0 KiB to the device and back",
        "Computed         10! modulo 2^32 = 3628800",
        "Copied           0 bytes (0 by this program, 0 by the kernel)",
        "Checks           passed  computed: 10! is right",
    ]
    assert main.main(["kernel", "request", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["passed"], data["copied_bytes"], data["backend"]) == (True, 0, "ai_mem")
    assert data["checks"] == [{"name": "computed", "passed": True, "detail": "10! is right"}]
    main.main(["kernel", "request", "--device", "2"])
    main.main(["kernel", "request", "--device", "0000:00:04.0"])
    assert asked == [0, 0, 2, "0000:00:04.0"]


@pytest.mark.parametrize(
    "result",
    [
        replace(RESULT, bounced_bytes=4096),
        replace(RESULT, explicit_copied_bytes=1),
        replace(RESULT, checks=(Check("computed", False, "wrong"),)),
    ],
)
def test_a_wrong_result_or_a_copy_is_no_success(
    doing: Callable[[Any], list[Any]], capsys: pytest.CaptureFixture[str], result: RequestResult
) -> None:
    doing(result)
    assert main.main(["kernel", "request"]) == kernel.EXIT_WRONG
    assert capsys.readouterr().out.startswith("Request          NOT as it should be\n")
    assert main.main(["kernel", "request", "--json"]) == kernel.EXIT_WRONG
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_what_could_not_be_checked_is_said(
    doing: Callable[[Any], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    fallback = replace(
        RESULT, backend="memfd", backend_reason="/dev/ai_mem does not exist",
        checks=(Check("one-memory", None, "not without privilege"),),
    )  # fmt: skip
    doing(fallback)
    assert main.main(["kernel", "request"]) == 0
    text = capsys.readouterr().out
    assert "Memory from      memfd (/dev/ai_mem does not exist)" in text
    assert "unknown  one-memory: not without privilege" in text


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Unavailable("/dev/ai_gpu0 does not exist", "load it"), kernel.EXIT_UNAVAILABLE,
         "codex: The request was not made: /dev/ai_gpu0 does not exist."),
        (Refused("allocate 8192 bytes", errno.EPERM), kernel.EXIT_DENIED,
         "codex: The request was not made: allocate 8192 bytes: Operation not permitted."),
        (Refused("allocate 8192 bytes", errno.ENOMEM, "free some"), kernel.EXIT_WRONG,
         "codex: The request was not made: allocate 8192 bytes: Cannot allocate memory."),
    ],
)  # fmt: skip
def test_a_request_that_is_not_made(
    doing: Callable[[Any], list[Any]],
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    line: str,
) -> None:
    doing(error)
    assert main.main(["kernel", "request"]) == code
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.splitlines()[0] == line


def test_a_node_that_is_closed_to_this_user_asks_for_root(
    doing: Callable[[Any], list[Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    doing(Unavailable("/dev/ai_gpu0 may not be opened by this user", "be root"))
    (tmp_path / "ai_gpu0").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main.main(["kernel", "request"]) == kernel.EXIT_DENIED
    assert "hint: sudo codex kernel request" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["eat"], ["request", "--device"], ["request", "--device", "../mem"],
        ["request", "--device", "-1"], ["request", "--device", "9" * 5000],
        ["request", "--device", "0000:00:04.0\n"], ["stats", "--device", "0"],
    ],
)  # fmt: skip
def test_usage_errors(
    doing: Callable[[Any], list[Any]], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    asked = doing(RESULT)
    assert main.main(["kernel", *arguments]) == main.EXIT_USAGE
    assert asked == []
    assert capsys.readouterr().err.splitlines()[1].startswith("hint: Try: codex ")

# SPDX-License-Identifier: Apache-2.0
"""The journal of boots: which version was given up, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.cli import gate, main, render, status
from codex_agent.host import boots
from codex_agent.host.boots import Boot, Entry
from codex_agent.host.model import BootReason, Check
from codex_agent.host.plain import plain
from codex_agent.probe import record
from tests.unit.agent.probe.starts import (
    GPU_DEAD,
    GUID,
    WARM,
    judged,
    live,
    loader,
    root_only,
    start,
)

if TYPE_CHECKING:
    from codex_agent.host.model import HostSnapshot, VerdictState
    from tests.unit.agent.trees import Tree


@root_only
def test_a_version_that_fails_three_times_is_told_by_the_one_that_comes_back(image: Tree) -> None:
    live(image, "0.1.57", 1)
    for number, counter in enumerate(("+2-1", "+1-2", "+0-3"), 2):
        live(image, "0.1.60", number, WARM, GPU_DEAD, counter=counter)
    kept = boots.journal(image.root)
    assert [b.version for b in kept] == ["0.1.57", "0.1.60", "0.1.60", "0.1.60"]
    assert kept[-1].entry == Entry("codex-os_0.1.60+0-3.efi", 0, 3)
    assert kept[0].entry == Entry("codex-os_0.1.57.efi", None, None)
    start(image, "0.1.57", 5)
    (found,) = image.sample().host.given_up or []
    assert (found.version, found.boots, found.outcome) == ("0.1.60", 3, "failed")
    # What decided stands first.
    assert found.reasons == [BootReason("gpu", GPU_DEAD.message),
                             BootReason("disk-space", WARM.message)]  # fmt: skip
    assert boots.clause(found) == (
        "3 of its boots here were not good: 1 GPU of 1 gave no answer; Space runs out"
    )
    text = render.text(image.sample().shown(image.clock.monotonic())).splitlines()
    assert "Given up         0.1.60 after 3 boots, the last failed (2026-11-22T09:04:00Z)" in text
    assert "                 gpu: 1 GPU of 1 gave no answer." in text
    data = json.loads(json.dumps(plain(image.sample().host)))["given_up"]
    assert data[0]["reasons"][0] == {"check": "gpu", "message": "1 GPU of 1 gave no answer."}


@root_only
def test_a_boot_that_hangs_leaves_that_it_began(image: Tree) -> None:
    live(image, "0.1.57", 1)
    live(image, "0.1.60", 2, GPU_DEAD)
    for number in (3, 4):
        start(image, "0.1.60", number)
        record.begin(image.root)
    live(image, "0.1.57", 5)
    (found,) = image.sample().host.given_up or []
    # The last had no chance to say why; an earlier one had.
    assert (found.boots, found.outcome) == (3, "no-verdict")
    assert found.reasons == [BootReason("gpu", GPU_DEAD.message)]
    assert "the last without a verdict" in render.text(image.sample().shown(2000))


@root_only
def test_nothing_is_told_of_a_version_that_was_good_in_the_end(image: Tree) -> None:
    live(image, "0.1.57", 1)
    live(image, "0.1.60", 2, GPU_DEAD)
    live(image, "0.1.60", 3, WARM)
    live(image, "0.1.57", 4)
    assert image.sample().host.given_up == []


@root_only
def test_nothing_is_told_once_a_later_version_runs(image: Tree) -> None:
    live(image, "0.1.57", 1)
    live(image, "0.1.60", 2, GPU_DEAD)
    live(image, "0.1.57", 3)
    assert len(image.sample().host.given_up or []) == 1
    live(image, "0.1.61", 4)
    assert image.sample().host.given_up == []


@root_only
def test_two_versions_the_latest_first(image: Tree) -> None:
    live(image, "0.1.57", 1)
    live(image, "0.1.60", 2, GPU_DEAD)
    live(image, "0.1.61", 3, GPU_DEAD)
    live(image, "0.1.57", 4)
    assert [g.version for g in image.sample().host.given_up or []] == ["0.1.61", "0.1.60"]


@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.sampled_from(["healthy", "failed", None])), max_size=8
    )
)
def test_only_others_whose_last_boot_was_bad_are_given_up(
    history: list[tuple[str, VerdictState | None]],
) -> None:
    entries = [Boot(str(n), version, Entry(None, None, None), "t", None, state, [])
               for n, (version, state) in enumerate(history)]  # fmt: skip
    found = {g.version for g in boots.judge(entries, "A")}
    assert "A" not in found
    last = dict(history)
    assert all(last[version] != "healthy" for version in found)
    assert boots.judge(entries, None) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\EFI\\Linux\\codex-os_1+3.efi", Entry("codex-os_1+3.efi", 3, 0)),
        ("/EFI/Linux/codex-os_1+0-3.efi", Entry("codex-os_1+0-3.efi", 0, 3)),
        ("\\EFI\\Linux\\codex-os_1.efi", Entry("codex-os_1.efi", None, None)),
        ("\\EFI\\Linux\\codex-os_1+99999-1.efi", Entry("codex-os_1+99999-1.efi", None, None)),
        ("\\EFI\\Linux\\x_1+3.efi", Entry("x_1+3.efi", None, None)),
        ("\x1b[2J", Entry(None, None, None)),
        ("", Entry(None, None, None)),
    ],
)
def test_what_the_loader_says(tree: Tree, text: str, expected: Entry) -> None:
    loader(tree, "LoaderBootCountPath", text)
    assert boots.entry(tree.root) == expected


@pytest.mark.parametrize("content", [b"", b"\x06\0\0", b"\x06\0\0\0\x00\xd8\xff", b"\xff" * 9000])
def test_variables_that_are_none(tree: Tree, content: bytes) -> None:
    tree.put(f"/sys/firmware/efi/efivars/LoaderBootCountPath-{GUID}", content)
    assert boots.entry(tree.root).tries_left is None


@root_only
def test_the_gate_keeps_it_before_it_says_it(
    image: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[VerdictState | None] = []
    host = judged(image, GPU_DEAD, WARM)

    def wait(root: object, timeout_s: float) -> HostSnapshot:
        # That it has begun is on the disk while it waits.
        seen.append(boots.journal(image.root)[-1].verdict)
        return host

    def line(_host: HostSnapshot) -> str:
        seen.append(boots.journal(image.root)[-1].verdict)
        return "codex-verdict: failed"

    monkeypatch.setattr(status, "Root", lambda: image.root)
    monkeypatch.setattr(gate, "wait", wait)
    monkeypatch.setattr(gate, "line", line)
    assert main.main(["status", "--gate"]) == 2
    assert seen == [None, "failed"]
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "codex-verdict: failed",
        "codex-reason: gpu: 1 GPU of 1 gave no answer.",
        "codex-reason: disk-space: Space runs out.",
    ]
    assert err == ""


@root_only
@pytest.mark.parametrize(("counter", "status_wanted"), [("", 1), ("+2-1", 2)])
def test_no_room_gives_a_trial_up_and_nothing_else(
    image: Tree, monkeypatch: pytest.MonkeyPatch, counter: str, status_wanted: int
) -> None:
    start(image, "0.1.58", 1, counter)
    full = Check("disk-space", "failed", "Space runs out: /var has 0.0 % left.")
    monkeypatch.setattr(status, "Root", lambda: image.root)
    monkeypatch.setattr(gate, "wait", lambda _root, _timeout_s: judged(image, full))
    assert main.main(["status", "--gate"]) == status_wanted
    assert boots.journal(image.root)[-1].verdict == ("failed" if counter else "degraded")


def test_a_good_boot_has_no_reasons(image: Tree) -> None:
    assert gate.reasons(judged(image, WARM)) == []


def test_a_boot_that_hangs_is_never_good(image: Tree) -> None:
    """Something else that degrades the host must not settle the verdict for it."""
    found = gate.unsettled(judged(image, WARM), "still starting: slow.service", 600)
    assert found.verdict.state == "unknown"
    assert "slow.service" in gate.reasons(found)[0]


@pytest.mark.parametrize("selected", [None, "codex-os_0.1.57.efi", "codex-os_0.1.60.efi"])
def test_what_was_counted_and_refused_is_not_what_runs(image: Tree, selected: str | None) -> None:
    # The boot loader notes what it counts before the firmware refuses the file; the version that
    # runs was started without a restart between, by the boot loader or by the firmware alone.
    start(image, "0.1.57", 1)
    loader(image, "LoaderBootCountPath", "\\EFI\\Linux\\codex-os_0.1.60+2-1.efi")
    if selected:
        loader(image, "LoaderEntrySelected", selected)
    name = None if selected == "codex-os_0.1.60.efi" else "codex-os_0.1.57.efi"
    assert boots.entry(image.root) == Entry(name, None, None)
    start(image, "0.1.60", 2, "+2-1")
    assert boots.entry(image.root) == Entry("codex-os_0.1.60+2-1.efi", 2, 1)

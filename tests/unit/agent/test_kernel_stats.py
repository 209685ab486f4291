# SPDX-License-Identifier: Apache-2.0
"""How the kernel services stand: every state, its reason, its check, and no figure invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.host.plain import plain
from codex_agent.kernel import convert, stats
from codex_agent.kernel.proc.memory import parse_memory
from tests.unit.agent import trees
from tests.unit.agent.trees import AI_GPU, AI_MEMORY, Tree

if TYPE_CHECKING:
    from codex_agent.host.model import Check
    from codex_agent.kernel.figures import KernelStats, ServiceStats

RELEASE = "7.3.4+deb13-amd64"
FOLDER = f"/usr/lib/modules/{RELEASE}"


def read(tree: Tree) -> KernelStats:
    return stats.read(tree.root)


def check(tree: Tree, name: str) -> Check:
    return next(c for c in tree.sample().host.verdict.checks if c.name == name)


def assert_silent(found: ServiceStats) -> None:
    """No figures, and a reason for it."""
    assert found.figures is None  # type: ignore[attr-defined]
    assert found.reason
    assert found.missing == {}


def test_memory(tree: Tree) -> None:
    found = read(trees.image(tree)).memory
    assert (found.state, found.source, found.reason, found.hint) == (
        "active", "/proc/ai_memory", None, None,
    )  # fmt: skip
    assert plain(found.figures) == {
        "pool_bytes": 256 << 20, "block_bytes": 4096, "blocks": 65536,
        "allocated_bytes": 69632, "filled_bytes": 256 << 20, "peak_bytes": 131072,
        "orphaned_bytes": 4096, "owner_count": 2, "exports": 1,
        "nodes": [{"node": 0, "filled_bytes": 256 << 20, "allocated_bytes": 69632}],
        "owners": [
            {"pid": None, "uid": None, "bytes": 61440, "cgroup": None},
            {"pid": 977, "uid": 0, "bytes": 4096, "cgroup": "/system.slice/a.service"},
        ],
    }  # fmt: skip
    assert set(found.missing) == {"owners.0.pid", "owners.0.uid", "owners.0.cgroup"}


def test_gpu(tree: Tree) -> None:
    found = read(trees.image(tree)).gpu
    assert found.state == "active"
    assert found.figures is not None
    (device,) = found.figures.devices
    assert plain(device) == {
        "number": None, "active": True, "vendor_id": "1234", "device_id": "11e8",
        "mapped_bytes": 1 << 20, "transfers_to": 3, "transfers_from": 1, "bytes_to": 12288,
        "bytes_from": 4096, "launches": 2, "interrupts": 6, "bounced_bytes": 0, "timeouts": 0,
        "resets": 0, "queued": 0,
    }  # fmt: skip
    assert found.missing["devices.0.number"] == "the only device is not numbered"
    display, card = found.figures.observed
    assert (card.link_speed_gts, card.link_width) == (16.0, 8)
    assert (card.link_speed_max_gts, card.link_width_max) == (32.0, 16)
    assert (card.port_speed_max_gts, card.port_width_max) == (16.0, 8)
    assert (card.numa_node, card.aer_correctable, card.aer_uncorrectable) == (1, 0x2000, 0)
    assert found.missing["observed.0000:3b:00.0.driver"] == "no driver is bound"
    assert display.driver == "bochs-drm"
    assert display.link_speed_gts is None


def test_every_missing_figure_has_its_reason_in_the_snapshot(tree: Tree) -> None:
    host = trees.image(tree).sample().shown(tree.clock.monotonic())
    assert host.services.gpu is not None
    found = read(tree)
    for name, service in (("memory", found.memory), ("gpu", found.gpu)):
        assert service.missing
        for path, reason in service.missing.items():
            assert host.readings[f"services.{name}.{path}"].reason == reason
        assert host.readings[f"services.{name}"].reason is None


def test_a_sleeping_function_was_not_asked(tree: Tree) -> None:
    trees.image(tree)
    asleep = AI_GPU.replace("node=unavailable\tpower=D0", "node=unavailable\tpower=D3hot")
    tree.put("/proc/ai_gpu", asleep)
    missing = read(tree).gpu.missing
    path = "observed.0000:00:01.0"
    assert missing[f"{path}.link_speed_gts"] == "the function sleeps and is not woken"
    assert missing[f"{path}.aer_correctable"] == "the function sleeps and is not woken"
    assert missing[f"{path}.numa_node"] == "the platform names no NUMA node for it"


def test_an_older_module_tells_less(tree: Tree) -> None:
    trees.image(tree)
    tree.put("/proc/ai_memory", AI_MEMORY.partition("Filled:")[0])
    found = read(tree).memory
    assert found.figures is not None
    assert found.figures.allocated_bytes == 69632
    assert found.figures.filled_bytes is None
    assert found.figures.owners is None
    assert found.missing["filled_bytes"] == "this version of ai_mem does not tell it"
    assert check(tree, "ai-mem").state == "ok"


def test_a_host_without_them_is_healthy_and_says_why(tree: Tree) -> None:
    trees.mutable_host(tree)
    found = read(tree)
    for service in (found.scheduler, found.memory, found.gpu, found.tracing):
        assert_silent(service)
        assert service.state == "absent"
    assert found.memory.reason == f"the module ai_mem is not installed for kernel {RELEASE}"
    assert tree.sample().host.verdict.state == "healthy"
    assert check(tree, "ai-mem").state == "skipped"
    assert check(tree, "ai-gpu").message == (
        f"The module ai_gpu is not installed for kernel {RELEASE}."
    )


@pytest.mark.parametrize("folder", ["updates/codex", "updates/dkms", "updates", "extra"])
@pytest.mark.parametrize("end", ["ko", "ko.xz", "ko.zst", "ko.gz"])
def test_installed_and_not_loaded_degrades(tree: Tree, folder: str, end: str) -> None:
    trees.mutable_host(tree)
    tree.put(f"{FOLDER}/{folder}/ai_mem.{end}", "x")
    found = read(tree).memory
    assert_silent(found)
    assert found.state == "not-loaded"
    judged = check(tree, "ai-mem")
    assert (judged.state, judged.hint) == ("degraded", "sudo modprobe ai_mem")
    assert judged.message == (
        f"The module ai_mem is installed for kernel {RELEASE} and not loaded."
    )
    assert tree.sample().host.verdict.state == "degraded"


def edu(tree: Tree) -> None:
    """A device that ai_gpu drives, among others."""
    trees.gpu(tree, "0000:00:04.0", "0x00ff00", "0x1234", "0x11e8")


def test_the_driver_of_devices_is_loaded_for_devices(tree: Tree) -> None:
    trees.modules(trees.mutable_host(tree), "ai_gpu", loaded=False)
    found = read(tree).gpu
    assert_silent(found)
    assert found.state == "not-needed"
    assert "no device that it drives" in (found.reason or "")
    assert check(tree, "ai-gpu").state == "skipped"
    assert tree.sample().host.verdict.state == "healthy"
    edu(tree)
    assert read(tree).gpu.state == "not-loaded"
    judged = check(tree, "ai-gpu")
    assert (judged.state, judged.hint) == ("degraded", "sudo modprobe ai_gpu")


@pytest.mark.parametrize("change", ["unplugged", "no bus", "broken"])
def test_what_the_bus_tells_of_devices(tree: Tree, change: str) -> None:
    import shutil

    trees.modules(trees.mutable_host(tree), "ai_gpu", loaded=False)
    edu(tree)
    here = tree.path("/sys/bus/pci/devices")
    if change == "unplugged":
        (here / "0000:00:04.0/device").unlink()
    elif change == "no bus":
        shutil.rmtree(here)
    else:
        (here / "0000:00:04.0/device").write_bytes(b"\xff")
    assert read(tree).gpu.state == ("unreadable" if change == "broken" else "not-needed")


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/modules/6.12.117+deb13-amd64/updates/dkms/ai_mem.ko.xz",
        f"{FOLDER}/updates/dkms/ai_memory.ko.xz",
        f"{FOLDER}/updates/dkms/ai_mem.ko.xz.old",
        f"{FOLDER}/kernel/ai_mem.txt",
    ],
)
def test_a_module_of_another_kernel_or_name_is_not_installed(tree: Tree, path: str) -> None:
    trees.mutable_host(tree)
    tree.put(path, "x")
    assert read(tree).memory.state == "absent"


def test_loaded_and_silent_degrades(tree: Tree) -> None:
    trees.image(tree)
    tree.remove("/proc/ai_memory")
    found = read(tree).memory
    assert_silent(found)
    assert found.state == "unanswered"
    judged = check(tree, "ai-mem")
    assert judged.state == "degraded"
    assert judged.message == "The module ai_mem is loaded, but /proc/ai_memory does not exist."
    assert judged.hint == "journalctl -k --grep=ai_mem"


@pytest.mark.parametrize(
    ("path", "name", "text"),
    [
        ("/proc/ai_memory", "ai-mem", AI_MEMORY.replace("Allocated: 69632", "Allocated: -1")),
        ("/proc/ai_memory", "ai-mem", AI_MEMORY[:200]),
        ("/proc/ai_memory", "ai-mem", ""),
        ("/proc/ai_gpu", "ai-gpu", AI_GPU.replace("Status: Active", "Status: Perhaps")),
        ("/proc/ai_gpu", "ai-gpu", AI_GPU.replace("x16", "x")),
    ],
)
def test_malformed_is_no_figure_and_degrades(tree: Tree, path: str, name: str, text: str) -> None:
    trees.image(tree)
    tree.put(path, text)
    found = read(tree)
    service = found.memory if name == "ai-mem" else found.gpu
    assert_silent(service)
    assert service.state == "malformed"
    judged = check(tree, name)
    assert judged.state == "degraded"
    assert "malformed: " in judged.message
    assert judged.hint is not None
    assert tree.sample().host.verdict.state == "degraded"


def test_what_cannot_be_found_out_is_unknown(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.mutable_host(tree)
    tree.remove("/proc/sys/kernel/osrelease")
    assert read(tree).memory.state == "unreadable"
    assert check(tree, "ai-mem").state == "unknown"
    assert tree.sample().host.verdict.state == "unknown"


@pytest.mark.parametrize("content", ["", "../../etc\n"])
def test_a_release_that_is_none_leads_nowhere(tree: Tree, content: str) -> None:
    trees.mutable_host(tree)
    tree.put("/proc/sys/kernel/osrelease", content)
    assert read(tree).memory.state == "unreadable"


def test_a_folder_that_may_not_be_looked_into_could_hold_it(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a sandbox that hides the modules."""
    import os

    trees.mutable_host(tree)
    real = os.listdir

    def denied(path: str) -> list[str]:
        if "/usr/lib/modules" in path:
            raise PermissionError(13, "denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", denied)
    found = read(tree).gpu
    assert_silent(found)
    assert found.state == "unreadable"
    assert "may not be read without more privilege" in (found.reason or "")
    assert check(tree, "ai-gpu").state == "unknown"


def test_a_file_that_cannot_be_read_is_unknown(tree: Tree) -> None:
    trees.image(tree)
    tree.remove("/proc/ai_gpu")
    tree.path("/proc/ai_gpu").mkdir()
    assert read(tree).gpu.reason == "/proc/ai_gpu is a directory"
    assert check(tree, "ai-gpu").state == "unknown"


def test_a_device_that_gave_up_degrades(tree: Tree) -> None:
    trees.image(tree)
    tree.put("/proc/ai_gpu", AI_GPU.replace("Status: Active", "Status: Not initialized"))
    figures = read(tree).gpu.figures
    assert figures is not None
    assert [device.active for device in figures.devices] == [False]
    judged = check(tree, "ai-gpu")
    assert (judged.state, judged.message) == (
        "degraded", "1 device of ai_gpu gave no answer: 1234:11e8.",
    )  # fmt: skip


def test_a_module_without_a_device_is_fine(tree: Tree) -> None:
    trees.image(tree)
    head = AI_GPU.partition("Status:")[0]
    tree.put("/proc/ai_gpu", f"{head}Status: Not initialized\n")
    figures = read(tree).gpu.figures
    assert figures is not None
    assert (figures.devices, figures.observed) == ([], [])
    assert check(tree, "ai-gpu").state == "ok"


@pytest.mark.parametrize(
    ("uid_map", "uid"), [("0 0 4294967295\n", 65534), ("0 0 1\n", None), (None, None)]
)
def test_nobody_is_a_user_only_where_every_user_has_a_number(
    tree: Tree, uid_map: str | None, uid: int | None
) -> None:
    trees.image(tree)
    if uid_map is not None:
        tree.put("/proc/self/uid_map", f"         {uid_map}")
    figures = read(tree).memory.figures
    assert figures is not None
    assert figures.owners is not None
    assert figures.owners[0].uid == uid


def test_of_thousands_of_owners_the_largest_are_kept() -> None:
    rows = "".join(f"{pid}\t0\t{4096 * pid}\t/\n" for pid in range(1, 2001))
    text = AI_MEMORY.partition("977\t")[0].replace("Owners: 2", "Owners: 2000") + rows
    figures = convert.memory(parse_memory(text.encode()), all_users=True)
    assert figures.owners is not None
    assert [owner.pid for owner in figures.owners] == list(range(2000, 2000 - 256, -1))
    assert figures.owner_count == 2000


def test_a_scheduler_that_is_there_is_not_guessed_at(tree: Tree) -> None:
    trees.image(tree)
    tree.put("/proc/ai_scheduler", "AI Scheduler Status\n")
    found = read(tree).scheduler
    assert_silent(found)
    assert found.state == "unreadable"


def test_ages_are_counted_when_shown(tree: Tree) -> None:
    taken = stats.take(trees.image(tree).root)
    shown = taken.shown(tree.clock.monotonic() + 1.5)
    assert [shown.memory.age_ms, shown.gpu.age_ms, shown.tracing.age_ms] == [1500] * 3


def test_figures_that_move_are_news(tree: Tree) -> None:
    """The page is told only of what changed."""
    from codex_agent.host.plain import lasting

    trees.image(tree)
    first = lasting(plain(tree.sample().shown(tree.clock.monotonic())))
    assert lasting(plain(tree.sample().shown(tree.clock.monotonic()))) == first
    tree.put("/proc/ai_memory", AI_MEMORY.replace("Allocated: 69632", "Allocated: 73728"))
    assert lasting(plain(tree.sample().shown(tree.clock.monotonic()))) != first

# SPDX-License-Identifier: Apache-2.0
"""GPUs that answer, hang, are lost, or are not there; without a GPU."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from codex_agent.probe import child, gpu
from tests.unit.agent import trees

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_agent.host.root import Root
    from tests.unit.agent.trees import Tree

FIRST, SECOND = "0000:3b:00.0", "0000:5e:00.0"


@pytest.fixture
def host(tree: Tree) -> Tree:
    return trees.base_host(tree)


def device(host: Tree, address: str, driver: str | None, vendor: str = "0x10de") -> None:
    trees.gpu(host, address, "0x030200", vendor, "0x2330", driver=driver)
    host.put(f"/sys/bus/pci/devices/{address}/config", b"\xde\x10\x30\x23" + bytes(60))


def smi(host: Tree, script: str) -> None:
    host.put(gpu.SMI, f"#!/bin/sh\n{script}\n")
    host.path(gpu.SMI).chmod(0o755)


def asking(*bodies: child.Body) -> Callable[[Root, Sequence[str]], list[gpu.Question]]:
    def make(root: Root, addresses: Sequence[str]) -> list[gpu.Question]:
        return [gpu.asked(root, a, b) for a, b in zip(addresses, bodies, strict=True)]  # type: ignore[arg-type]

    return make


def hang() -> int:
    signal.pause()
    return 0


def fine() -> int:
    return 0


def test_a_host_without_a_gpu(tree: Tree) -> None:
    found = gpu.ask(tree.root, "general")
    assert (found.state, found.message) == ("skipped", "This host has no GPU.")


def test_a_board_that_only_draws_is_not_asked(host: Tree) -> None:
    found = gpu.ask(host.root, "general")
    assert found.state == "skipped"
    assert found.message == "No device here has a driver that computes, only bochs-drm."


def test_all_answer_to_nvidia_smi(host: Tree) -> None:
    device(host, FIRST, "nvidia")
    device(host, SECOND, "nvidia")
    smi(host, "echo 00000000:3B:00.0; echo 00000000:5E:00.0")
    found = gpu.ask(host.root, "nvidia")
    assert (found.state, found.message) == ("ok", "All 2 GPUs answer (nvidia).")


def test_one_that_nvidia_smi_does_not_list(host: Tree) -> None:
    device(host, FIRST, "nvidia")
    device(host, SECOND, "nvidia")
    smi(host, "echo 00000000:3B:00.0")
    found = gpu.ask(host.root, "nvidia")
    assert found.state == "failed"
    assert found.message == f"1 GPU of 2 gave no answer: {SECOND} (it was not listed)."
    assert found.hint is not None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Unable to determine the device handle: Unknown Error'; exit 15",
         "Unable to determine the device handle: Unknown Error"),
        ("exit 9", "the question ended with status 9"),
        ("kill -SEGV $$", "it was ended by SIGSEGV"),
        ("sleep 600", "it did not end within 0.5 s"),
        ("trap '' TERM; sleep 600 & wait", "it did not end within 0.5 s"),
        ("head -c 50000000 /dev/urandom", "it was not listed"),
        ("echo 'No devices were found'", "it was not listed"),
        ("printf '\\377\\376'", "it was not listed"),
        ("yes 0", "it did not end within 0.5 s"),
    ],
)  # fmt: skip
def test_a_tool_that_does_not_answer(host: Tree, script: str, reason: str) -> None:
    device(host, FIRST, "nvidia")
    smi(host, script)
    limit = 0.5 if "within" in reason else 60.0
    began = time.monotonic()
    found = gpu.ask(host.root, "nvidia", limit_s=limit)
    assert time.monotonic() - began < limit + 30
    assert found.state == "failed"
    assert found.message == f"1 GPU of 1 gave no answer: {FIRST} ({reason})."


def test_one_that_hangs_does_not_silence_the_other(host: Tree) -> None:
    device(host, FIRST, "xe")
    device(host, SECOND, "xe")
    began = time.monotonic()
    found = gpu.ask(host.root, None, {"xe": asking(hang, fine)}, limit_s=2)
    assert time.monotonic() - began < 30
    assert found.message == f"1 GPU of 2 gave no answer: {FIRST} (it did not end within 2 s)."


def test_one_in_the_kernel_is_left_behind(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that waits for the device inside of the kernel is not ended by any signal."""
    device(host, FIRST, "xe")
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    monkeypatch.setattr(child.Child, "kill", lambda self: left.append(self.pid))
    left: list[int] = []
    began = time.monotonic()
    found = gpu.ask(host.root, None, {"xe": asking(hang)}, limit_s=0.2)
    assert time.monotonic() - began < 30
    assert found.state == "failed"
    assert "cannot be killed: it waits inside of the kernel" in found.message
    for pid in set(left):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_one_that_has_fallen_off_the_bus(host: Tree) -> None:
    device(host, FIRST, "xe")
    host.put(f"/sys/bus/pci/devices/{FIRST}/config", b"\xff" * 64)
    found = gpu.ask(host.root, None, {"xe": asking(fine)})
    assert found.message == f"1 GPU of 1 gave no answer: {FIRST} (it has fallen off the bus)."


def test_the_node_of_a_drm_driver(host: Tree) -> None:
    device(host, FIRST, "amdgpu", "0x1002")
    assert "sys/bus" in str(gpu.ask(host.root, None).message)
    host.path(f"/sys/bus/pci/devices/{FIRST}/drm/renderD128").mkdir(parents=True)
    host.path(f"/sys/bus/pci/devices/{FIRST}/drm/card1").mkdir()
    assert "/dev/dri/renderD128: no such file" in gpu.ask(host.root, None).message
    # A file takes no such call, as a driver that is not one.
    host.put("/dev/dri/renderD128", "")
    assert "nappropriate ioctl" in gpu.ask(host.root, None).message


def test_a_drm_driver_without_a_node(host: Tree) -> None:
    device(host, FIRST, "i915", "0x8086")
    host.path(f"/sys/bus/pci/devices/{FIRST}/drm").mkdir(parents=True)
    assert "its driver has made no device node" in gpu.ask(host.root, None).message


def test_nvidia_without_its_tool_opens_the_node(host: Tree) -> None:
    device(host, FIRST, "nvidia")
    path = f"/proc/driver/nvidia/gpus/{FIRST}/information"
    assert "does not exist" in gpu.ask(host.root, None).message
    host.put(path, "Model: \t\t H200\nDevice Minor: \t 0\n")
    assert "/dev/nvidia0: no such file" in gpu.ask(host.root, None).message
    host.put("/dev/nvidia0", "")
    assert gpu.ask(host.root, None).state == "ok"
    host.put(path, "nonsense")
    assert "names no device" in gpu.ask(host.root, None).message


def test_a_device_of_our_module(host: Tree) -> None:
    """It is of no class that draws or computes, and counts all the same."""
    host.path("/sys/bus/pci/drivers/ai_gpu/0000:00:05.0").mkdir(parents=True)
    host.put("/sys/bus/pci/drivers/ai_gpu/bind", "")
    host.put("/sys/bus/pci/devices/0000:00:05.0/config", b"\x34\x12" + bytes(62))
    found = gpu.ask(host.root, None)
    assert found.state == "failed"
    assert "0000:00:05.0 (" in found.message
    assert gpu.ask(host.root, None, {"ai_gpu": asking(fine)}).message == "1 GPU answers (ai_gpu)."


@pytest.mark.parametrize(
    ("flavour", "vendor", "state"),
    [("nvidia", "0x10de", "failed"), ("amd", "0x1002", "failed"), ("general", "0x10de", "skipped"),
     ("nvidia", "0x1002", "skipped"), (None, "0x10de", "skipped")],
)  # fmt: skip
def test_a_gpu_without_a_driver_fails_the_image_that_is_made_for_it(
    host: Tree, flavour: str | None, vendor: str, state: str
) -> None:
    device(host, FIRST, None, vendor)
    found = gpu.ask(host.root, flavour)
    assert found.state == state
    if state == "failed":
        assert found.message == f"1 GPU of 1 gave no answer: {FIRST} (no driver has taken it)."


def test_sixteen_dead_ones_take_no_longer_than_one(host: Tree) -> None:
    for number in range(16):
        device(host, f"0000:{number + 16:02x}:00.0", "xe")
    began = time.monotonic()
    found = gpu.ask(host.root, None, {"xe": asking(*[hang] * 16)}, limit_s=2)
    assert time.monotonic() - began < 16 * 2
    assert found.message.startswith("16 GPUs of 16 gave no answer: ")
    assert len(found.message) <= 400


def test_addresses_of_nvidia_smi() -> None:
    text = b"00000000:3B:00.0\r\n0001:0A:00.1 \nnonsense\n123:00:00.0\n"
    assert gpu.bus_ids(text) == {"0000:3b:00.0", "0001:0a:00.1"}

# SPDX-License-Identifier: Apache-2.0
"""Which roles a host's PCI functions choose, and which drivers are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.roles.apply import needs_ansible, needs_root
from tests.unit.roles.layers import Layer, role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [needs_ansible, needs_root]

#: Class, vendor, device, as sysfs shows them.
NVIDIA = ("0x030200", "0x10de", "0x2330")
AMD = ("0x120000", "0x1002", "0x74a1")
INTEL_DISPLAY = ("0x030000", "0x8086", "0x4680")
ATI_VGA = ("0x030000", "0x1002", "0x5159")
CONSOLE = ("0x030000", "0x1a03", "0x2000")
NETWORK = ("0x020000", "0x15b3", "0x1021")

TASKS: list[Any] = [
    role("preflight"), role("gpu_detect"),
    {"ansible.builtin.copy": {"content": "{{ gpu_detect_result | to_json }}",
                              "dest": "/found", "mode": "0644"}},
]  # fmt: skip


def machine(layer: Layer, *functions: tuple[str, str, str]) -> None:
    for number, function in enumerate(functions, 1):
        for name, text in zip(("class", "vendor", "device"), function, strict=True):
            layer.write(f"/sys/bus/pci/devices/0000:0{number}:00.0/{name}", text + "\n")


FOUND: dict[str, tuple[list[tuple[str, str, str]], dict[str, Any], list[str], str]] = {
    "none": ([NETWORK, CONSOLE], {}, [], "no GPU was found"),
    "nvidia-beside-a-display": (
        [INTEL_DISPLAY, NVIDIA, NVIDIA], {}, ["", "nvidia"], "there is no role gpu_nvidia yet",
    ),
    "emulator": ([ATI_VGA], {}, [], "no GPU was found"),
    "stand-in": (
        [ATI_VGA], {"gpu_detect_stand_in": True}, ["stand_in"], "there is no role gpu_stand_in yet",
    ),
    "not-wanted": ([NVIDIA], {"gpu_detect_flavours": ["none"]}, ["nvidia"], "the flavour is none"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FOUND))
def test_it_is_found(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    functions, variables, used, reason = FOUND[name]
    layer = Layer(tmp_path_factory.mktemp("found"))
    machine(layer, *functions)
    ran = layer.play(TASKS, **variables)
    assert ran.message == ""
    found = json.loads(layer.text("/found"))
    assert reason in found["reason"]
    assert {f["use"] for f in found["functions"]} >= set(filter(None, used))
    assert all(f["reason"] for f in found["functions"])
    assert len(found["functions"]) == len([f for f in functions if f is not NETWORK])


def installer(layer: Layer) -> None:
    layer.write("/usr/bin/nvidia-uninstall", "#!/bin/sh\n", 0o755)


def module(layer: Layer) -> None:
    layer.write("/usr/lib/modules/6.1.0-9-amd64/kernel/drivers/video/nvidia.ko", "m")


def packaged(name: str, keeper: str) -> Callable[[Layer], None]:
    return lambda layer: layer.add_package(name, keeper=keeper)


def two(layer: Layer) -> None:
    machine(layer, NVIDIA, AMD)


def nothing(layer: Layer) -> None:
    machine(layer, NVIDIA)


REFUSED: dict[str, tuple[Callable[[Layer], None], dict[str, Any], str]] = {
    "installer": (installer, {}, "that did not come from its distribution (/usr/bin/nvidia-unins"),
    "module": (module, {}, "kernel/drivers/video/nvidia.ko"),
    "repository": (
        packaged("nvidia-driver-580", "cudatools <cudatools@nvidia.com>"), {}, "(nvidia-driver-580)"
    ),
    "two-vendors": (two, {}, "has GPUs of amd and nvidia; say which"),
    "two-flavours": (
        nothing, {"gpu_detect_flavours": ["nvidia", "amd"]},
        "gpu_detect_flavours is nvidia and amd; a host has one",
    ),
    "unknown": (nothing, {"gpu_detect_flavours": ["voodoo"]}, "gpu_detect_flavours is voodoo;"),
    "container-toolkit": (
        packaged("nvidia-container-toolkit", "NVIDIA CORPORATION <cudatools@nvidia.com>"), {}, "",
    ),
    "kept": (installer, {"gpu_detect_flavours": ["none"]}, ""),
    "debian": (
        packaged("nvidia-driver", "Debian NVIDIA Maintainers <x@lists.debian.org>"), {}, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_it_is_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    change, variables, words = REFUSED[name]
    layer = Layer(tmp_path_factory.mktemp("refused"))
    change(layer)
    ran = layer.play(TASKS, **variables)
    assert words in ran.message
    assert (ran.message == "") == (words == "")
    if words:
        assert "Nothing was changed." in ran.message
        assert ran.changed == []


def test_a_role_takes_part_wherever_ansible_looks_for_roles(tmp_path: Path) -> None:
    """Found on a host: the stand-in of tests/molecule was not chosen."""
    tasks = tmp_path / "more/gpu_stand_in/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text("---\n[]\n")
    layer = Layer(tmp_path / "layer")
    layer.roles.append(tmp_path / "more")
    machine(layer, ATI_VGA)
    assert layer.play(TASKS, gpu_detect_stand_in=True).message == ""
    assert json.loads(layer.text("/found"))["roles"] == ["gpu_stand_in"]

# SPDX-License-Identifier: Apache-2.0
"""/proc/ai_gpu is read whole or not at all, with no device, one and several."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from codex_agent.host.root import Root
from codex_agent.kernel.abi.ai_gpu_proc import Observed
from codex_agent.kernel.abi.form import Link
from codex_agent.kernel.errors import Unavailable
from codex_agent.kernel.proc import parse_gpu, read_gpu
from tests.unit.kernel.proc import texts

if TYPE_CHECKING:
    from pathlib import Path


def test_one_device() -> None:
    gpu = parse_gpu(texts.GPU_TITLE + texts.GPU_BLOCK)
    assert [astuple(device) for device in gpu.devices] == [
        (None, "Active", "1234:11e8", 1, 3, 2, 5, 4, 7, 12, 4096, 1, 1, 6, 5242881, 4194305)
    ]
    assert gpu.observed is None


def test_added_lines_may_be_missing_and_are_then_none() -> None:
    (device,) = parse_gpu(texts.GPU_TITLE + texts.GPU_FIXED).devices
    assert device.launches == 7
    assert (device.interrupts, device.bytes_to, device.queued) == (None, None, None)


def test_several_devices_have_numbers() -> None:
    gpu = parse_gpu(texts.GPU_TWO + texts.GPU_OBSERVED)
    assert [(d.gpu, d.status) for d in gpu.devices] == [(0, "Active"), (2, "Not initialized")]
    assert gpu.observed is not None
    assert len(gpu.observed) == 2


def test_no_device_has_no_figures() -> None:
    assert parse_gpu(texts.GPU_NONE).devices == ()
    gpu = parse_gpu(texts.GPU_NONE + texts.GPU_OBSERVED)
    assert gpu.devices == ()
    assert gpu.observed is not None


def test_observed_functions() -> None:
    assert parse_gpu(texts.GPU).observed == (
        Observed(
            "0000:01:00.0", "10de:2330", "nvidia", Link(2.5, 8), Link(32.0, 16), Link(2.5, 8),
            Link(16.0, 16), 1, "D0", 1, 0,
        ),
        Observed(
            "10000:81:1f.7", "1002:73bf", None, None, None, None, None, None, "D3cold", None, None,
        ),
    )  # fmt: skip


def test_a_later_version_may_add_columns() -> None:
    later = texts.GPU.replace(b"0x00000000\n", b"0x00000000\tbar1=256 MiB\n")
    assert parse_gpu(later) == parse_gpu(texts.GPU)


MALFORMED = {
    "title only": (texts.GPU_TITLE, "line 3"),
    "state": (texts.GPU.replace(b"Active", b"Sleeping"), "line 3"),
    "device": (texts.GPU.replace(b"1234:11e8", b"1234:11E8"), "line 4"),
    "device cut": (texts.GPU.replace(b"1234:11e8", b"1234:"), "line 4"),
    "no device": (texts.GPU.replace(b"Device: 1234:11e8\n", b""), "line 4"),
    "no statistics": (
        texts.GPU_TITLE + b"".join(texts.GPU_FIXED.partition(b" MB\n")[:2]),
        "line 6",
    ),
    "no indent": (texts.GPU.replace(b"  Kernel", b"Kernel"), "line 12"),
    "added without indent": (texts.GPU.replace(b"  Resets", b"Resets"), "line 16"),
    "deep indent": (texts.GPU.replace(b"  Kernel", b"   Kernel"), "line 12"),
    "number missing": (texts.GPU_TWO.replace(b"GPU 0:\n", b""), "no number"),
    "number twice": (texts.GPU_TWO.replace(b"GPU 2:", b"GPU 0:"), "GPU 0 stands below GPU 0"),
    "second without number": (texts.GPU_TWO.replace(b"GPU 2:\n", b""), "line 22"),
    "number only": (texts.GPU_TITLE + b"GPU 0:\n", "line 4"),
    "none and some": (texts.GPU_NONE + texts.GPU_FIXED, "line 4"),
    "nothing observed": (texts.GPU_TITLE + texts.GPU_FIXED + b"\n", "line 14"),
    "address": (texts.GPU.replace(b"0000:01:00.0", b"0000:01:00.8"), "not a PCI address"),
    "few columns": (texts.GPU.replace(b"\tnode=1", b""), "columns"),
    "wrong column": (texts.GPU.replace(b"node=1", b"nude=1"), "'node=…'"),
    "width": (texts.GPU.replace(b"GT/s x8\tmax", b"GT/s x0\tmax"), "not a speed"),
    "speed": (texts.GPU.replace(b"=2.5 GT/s x8\tmax", b"=fast\tmax"), "not a speed"),
    "power": (texts.GPU.replace(b"power=D0", b"power="), "not a name"),
    "aer": (texts.GPU.replace(b"0x00000001", b"1"), "not a hexadecimal"),
    "aer 33 bits": (texts.GPU.replace(b"0x00000001", b"0x100000001"), "not a hexadecimal"),
    "terminal": (texts.GPU.replace(b"driver=nvidia", b"driver=\x1b[2J"), "not a name"),
    "node": (texts.GPU.replace(b"node=1", b"node=none"), "not a whole number"),
    "added column": (texts.GPU.replace(b"0x00000000\n", b"0x00000000\tBAR\n"), "name=value"),
}


@pytest.mark.parametrize(("data", "where"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(data: bytes, where: str) -> None:
    with pytest.raises(Unavailable) as caught:
        parse_gpu(data)
    assert caught.value.reason.startswith("malformed: line ")
    assert where in caught.value.reason
    assert caught.value.reason.isprintable()


def test_read_from_a_host(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ai_gpu is not loaded"):
        read_gpu(Root(str(tmp_path)))
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/ai_gpu").write_bytes(texts.GPU)
    assert read_gpu(Root(str(tmp_path))) == parse_gpu(texts.GPU)

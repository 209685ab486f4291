# SPDX-License-Identifier: Apache-2.0
"""A request is good only when everything about it was."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel import request
from codex_agent.kernel.abi.ai_gpu import Ioctl
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.gpu import Device
from codex_agent.kernel.memory import DmaBuf, Pool
from codex_agent.kernel.memory.ai_mem import AiMem
from codex_agent.kernel.memory.memfd import Memfd
from tests.unit.kernel import fakes

if TYPE_CHECKING:
    from codex_agent.kernel.request import RequestResult


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The memfds behind the fake kernels are no dma-bufs; note what would be synchronised."""
    flags: list[int] = []
    monkeypatch.setattr(DmaBuf, "_sync", lambda self, flag: flags.append(flag))
    return flags


@pytest.fixture
def gpu(synced: list[int]) -> fakes.Gpu:
    return fakes.Gpu()


@pytest.fixture
def memory() -> fakes.Memory:
    return fakes.Memory()


def send(
    gpu: fakes.Gpu, memory: fakes.Memory, *, length: int | None = None, argument: int = 10
) -> RequestResult:
    with Pool(AiMem(memory)) as pool, Device(gpu) as device:
        return request.through(pool, device, length=length, argument=argument, timeout=5)


def outcome(result: RequestResult) -> dict[str, bool | None]:
    return {check.name: check.passed for check in result.checks}


ALL = ("sent", "returned", "computed", "one-memory", "counted", "copies")


def test_all_good(gpu: fakes.Gpu, memory: fakes.Memory, synced: list[int]) -> None:
    result = send(gpu, memory)
    assert outcome(result) == dict.fromkeys(ALL, True)
    assert result.passed
    assert (result.backend, result.backend_reason) == ("ai_mem", None)
    assert (result.address, result.identity) == ("0000:00:04.0", "1234:11e8")
    assert (result.length, result.argument, result.result) == (4096, 10, 3628800)
    assert (result.copied_bytes, result.explicit_copied_bytes, result.bounced_bytes) == (0, 0, 0)
    assert memory.freed == [1]
    assert (memory.closed, gpu.closed) == (1, 1)
    assert synced == [3, 7, 3, 7, 1, 5], "marks, data, comparison: each begun and ended"


def test_the_data_is_another_each_time(synced: list[int]) -> None:
    devices = [fakes.Gpu(), fakes.Gpu()]
    for device in devices:
        send(device, fakes.Memory())
    assert len({bytes(4096), *(bytes(device.device) for device in devices)}) == 3


@pytest.mark.parametrize("argument", [0, 1, 12, 13, 20, 33, 34, 35, 1000])
def test_values_that_do_not_fit(gpu: fakes.Gpu, memory: fakes.Memory, argument: int) -> None:
    """From 13! on only the lower 32 bits are left, from 34! on these are 0."""
    assert send(gpu, memory, argument=argument).passed


def test_memory_of_the_fallback(gpu: fakes.Gpu) -> None:
    pool = Pool(Memfd(export=lambda fd, length: os.dup(fd)), "the module is not there")
    with pool, Device(gpu) as device:
        result = request.through(pool, device, length=64, argument=5, timeout=5)
    assert (result.passed, result.backend, result.length) == (True, "memfd", 64)
    assert result.backend_reason == "the module is not there"


def test_copies_are_a_failure(gpu: fakes.Gpu, memory: fakes.Memory) -> None:
    gpu.bounce = 4096
    result = send(gpu, memory)
    assert not result.passed
    assert outcome(result) == dict.fromkeys(ALL, True) | {"copies": False}
    assert (result.bounced_bytes, result.copied_bytes) == (8192, 8192)


@pytest.mark.parametrize("place", [0, 7, 2048, 4095])
def test_one_wrong_bit_on_the_way_back(gpu: fakes.Gpu, memory: fakes.Memory, place: int) -> None:
    def flip(data: bytes) -> bytes:
        return data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :]

    gpu.spoil = flip
    result = send(gpu, memory)
    assert outcome(result) == dict.fromkeys(ALL, True) | {"returned": False}
    detail = next(check.detail for check in result.checks if check.name == "returned")
    assert f"byte {place // 8 * 8}:" in detail


def test_a_device_that_writes_nothing(gpu: fakes.Gpu, memory: fakes.Memory) -> None:
    gpu.spoil = lambda data: b""
    assert outcome(send(gpu, memory))["returned"] is False


def test_a_wrong_value(gpu: fakes.Gpu, memory: fakes.Memory) -> None:
    gpu.wrong_result = 1
    assert outcome(send(gpu, memory)) == dict.fromkeys(ALL, True) | {"computed": False}


def test_a_device_that_counts_nothing(
    gpu: fakes.Gpu, memory: fakes.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Device(gpu).info()
    monkeypatch.setattr(Device, "info", lambda self: first)
    assert outcome(send(gpu, memory)) == dict.fromkeys(ALL, True) | {"counted": False}


def test_a_dma_buf_of_other_memory(
    gpu: fakes.Gpu, memory: fakes.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = os.memfd_create("other")
    os.truncate(other, 8192)
    monkeypatch.setattr(AiMem, "export", lambda *_, **__: os.dup(other))
    result = outcome(send(gpu, memory))
    os.close(other)
    assert (result["one-memory"], result["returned"]) == (False, False)


def test_a_dma_buf_that_cannot_be_mapped_is_unknown_not_good(
    gpu: fakes.Gpu, memory: fakes.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: DmaBuf) -> None:
        raise Refused("map a dma-buf", errno.ENODEV)

    monkeypatch.setattr(DmaBuf, "map", refuse)
    result = send(gpu, memory)
    assert outcome(result)["one-memory"] is None
    assert result.passed


@pytest.mark.parametrize("length", [0, -8, 4, 4100, 4104, 1 << 40])
def test_lengths_that_cannot_be(gpu: fakes.Gpu, memory: fakes.Memory, length: int) -> None:
    with pytest.raises(Refused) as caught:
        send(gpu, memory, length=length)
    assert caught.value.errno == errno.EINVAL
    assert "4096" in (caught.value.hint or "")
    assert memory.calls.count(0x4190) == 0


@pytest.mark.parametrize("argument", [-1, 1 << 32])
def test_arguments_that_cannot_be(gpu: fakes.Gpu, memory: fakes.Memory, argument: int) -> None:
    with pytest.raises(Refused):
        send(gpu, memory, argument=argument)


def test_a_device_that_computes_nothing(gpu: fakes.Gpu, memory: fakes.Memory) -> None:
    gpu.info.functions = 0
    with pytest.raises(Unavailable, match="factorials"):
        send(gpu, memory)


@pytest.mark.parametrize("number", [Ioctl.DMA, Ioctl.LAUNCH, Ioctl.WAIT])
def test_a_failure_on_the_way_holds_nothing(
    gpu: fakes.Gpu, memory: fakes.Memory, number: int
) -> None:
    gpu.fail[number] = [errno.EIO]
    with pytest.raises(Refused):
        send(gpu, memory)
    assert (memory.freed, memory.handles) == ([1], {})
    assert (memory.closed, gpu.closed) == (1, 1)

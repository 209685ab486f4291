# SPDX-License-Identifier: Apache-2.0
"""A device: what is asked of the kernel, and what becomes of its answers."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel.abi.ai_gpu import Ioctl
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.gpu import Device, Function, State
from tests.unit.kernel import fakes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def kernel() -> fakes.Gpu:
    return fakes.Gpu()


@pytest.fixture
def device(kernel: fakes.Gpu) -> Device:
    return Device(kernel)


@pytest.fixture
def memory() -> Iterator[int]:
    """A file descriptor that stands for a dma-buf."""
    handle = os.memfd_create("buffer")
    os.truncate(handle, 8192)
    yield handle
    os.close(handle)


def test_info(device: Device, kernel: fakes.Gpu) -> None:
    info = device.info()
    assert (info.address, info.vendor, info.device) == ("0000:00:04.0", 0x1234, 0x11E8)
    assert (info.numa_node, info.state, info.functions) == (None, State.ACTIVE, frozenset({1}))
    kernel.info.numa_node, kernel.info.state, kernel.info.functions = 0, 1, 1 << 31 | 1
    info = device.info()
    assert (info.numa_node, info.state, info.functions) == (0, State.FAILED, frozenset({1, 32}))
    kernel.info.state = 9
    assert device.info().state == 9, "a state of a later module is shown as it is"


def test_data_goes_there_and_back(device: Device, memory: int, kernel: fakes.Gpu) -> None:
    os.pwrite(memory, b"some data", 100)
    to = device.to_device(memory, 100, 16, 9)
    assert bytes(kernel.device[16:25]) == b"some data"
    back = device.from_device(memory, 5000, 16, 9)
    assert os.pread(memory, 9, 5000) == b"some data"
    assert (to.fence, back.fence) == (1, 2)
    kernel.jobs[1] = (0, 9)
    assert (to.wait().bounced_bytes, back.wait().bounced_bytes) == (0, 9)


def test_a_computation(device: Device) -> None:
    assert device.launch(Function.FACTORIAL, 10).wait().result == 3628800
    with pytest.raises(Refused) as caught:
        device.launch(2, 10)
    assert caught.value.errno == errno.EINVAL
    assert "functions" in (caught.value.hint or "")


@pytest.mark.parametrize("wrong", [-1, 1 << 64])
def test_numbers_are_not_cut_to_the_width_of_their_field(
    device: Device, memory: int, kernel: fakes.Gpu, wrong: int
) -> None:
    calls: list[Callable[[], object]] = [
        lambda: device.to_device(memory, wrong, 0, 1),
        lambda: device.to_device(memory, 0, wrong, 1),
        lambda: device.from_device(memory, 0, 0, wrong),
        lambda: device.from_device(wrong, 0, 0, 1),
        lambda: device.launch(1, wrong),
        lambda: device.launch(wrong, 1),
        lambda: device.launch(1 << 32 | 1, 1),
    ]
    for call in calls:
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.errno == errno.EINVAL
    assert kernel.calls == []


def test_times_to_wait(device: Device, kernel: fakes.Gpu) -> None:
    for timeout in (None, 0, 1.5, 0.0001, 1e9):
        device.launch(1, 1).wait(timeout)
    forever, asked, some, short, long = kernel.timeouts
    assert (forever, asked, short) == (0xFFFFFFFF, 0, 1)
    assert 1000 < some <= 1501
    assert long == 0xFFFFFFFE, "1e9 s do not fit; what is left is waited for again"
    for wrong in (-1, float("nan")):
        with pytest.raises(Refused):
            device.launch(1, 1).wait(wrong)


def test_a_wait_longer_than_one_call_goes_on(device: Device, kernel: fakes.Gpu) -> None:
    kernel.fail[Ioctl.WAIT] = [errno.ETIME, errno.ETIME]
    assert device.launch(1, 3).wait(1e9).result == 6


def test_a_job_that_still_runs(device: Device, kernel: fakes.Gpu) -> None:
    job = device.launch(1, 3)
    kernel.fail[Ioctl.WAIT] = [errno.ETIME]
    with pytest.raises(Refused) as caught:
        job.wait(0)
    assert caught.value.errno == errno.ETIME
    assert caught.value.hint == "the job goes on, wait again"
    assert job.wait().result == 6


def test_a_result_is_kept(device: Device, kernel: fakes.Gpu) -> None:
    job = device.launch(1, 3)
    assert job.wait() == job.wait(0)
    assert kernel.calls.count(Ioctl.WAIT) == 1


def test_signals_do_not_lose_a_job(device: Device, kernel: fakes.Gpu) -> None:
    kernel.fail[Ioctl.LAUNCH] = [errno.EINTR]
    kernel.fail[Ioctl.WAIT] = [errno.EINTR, errno.EINTR]
    assert device.launch(1, 3).wait(5).result == 6
    assert len(kernel.jobs) == 1


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (-errno.ETIMEDOUT, "did not answer in time"), (-errno.EIO, "reset"),
        (-errno.ENODEV, "removed"), (-errno.ECANCELED, "cancelled"),
    ],
)  # fmt: skip
def test_a_job_that_failed(
    device: Device, kernel: fakes.Gpu, memory: int, status: int, hint: str
) -> None:
    job = device.to_device(memory, 0, 0, 1)
    kernel.status = [status]
    with pytest.raises(Refused) as caught:
        job.wait()
    assert caught.value.errno == -status
    assert hint in (caught.value.hint or "")
    assert "transfer of 1 bytes to device" in caught.value.message


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EPERM, "require_admin=0"), (errno.EAGAIN, "queue is full"),
        (errno.EACCES, "only for reading"), (errno.EINVAL, "lie in the dma-buf"),
        (errno.EIO, "reset"),
    ],
)  # fmt: skip
def test_refusals_have_their_number_and_a_hint(
    device: Device, kernel: fakes.Gpu, memory: int, number: int, hint: str
) -> None:
    kernel.fail[Ioctl.DMA] = [number]
    with pytest.raises(Refused) as caught:
        device.from_device(memory, 0, 0, 1)
    assert caught.value.errno == number
    assert hint in (caught.value.hint or "")


def test_a_result_that_was_forgotten(device: Device, kernel: fakes.Gpu) -> None:
    kernel.fail[Ioctl.WAIT] = [errno.ENOENT]
    with pytest.raises(Refused) as caught:
        device.launch(1, 1).wait()
    assert "256" in (caught.value.hint or "")


def test_a_device_that_goes_away(device: Device, kernel: fakes.Gpu, memory: int) -> None:
    job = device.launch(1, 1)
    for number in Ioctl:
        kernel.fail[number] = [errno.ENODEV]
    calls: list[Callable[[], object]] = [
        device.info, device.reset, job.wait, lambda: device.launch(1, 1),
        lambda: device.to_device(memory, 0, 0, 1),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(Unavailable, match="gone"):
            call()


def test_reset_and_close(device: Device, kernel: fakes.Gpu) -> None:
    with device:
        device.reset()
        assert device.info().resets == 1
        assert device.fileno() == 99
    assert kernel.closed == 1


@pytest.fixture
def three(tmp_path: Path) -> dict[str, fakes.Gpu]:
    """Three devices in a folder, the second of which went away."""
    found = {}
    for number, address in ((0, "0000:00:04.0"), (2, "0000:00:05.0"), (10, "0000:00:06.0")):
        path = tmp_path / f"ai_gpu{number}"
        path.touch()
        found[str(path)] = fakes.Gpu(str(path), address)
    (tmp_path / "ai_gpu").touch()
    (tmp_path / "ai_gpu1x").touch()
    found[str(tmp_path / "ai_gpu2")].fail[Ioctl.INFO] = [errno.ENODEV, errno.ENODEV]
    return found


def test_open_by_number_and_address(tmp_path: Path, three: dict[str, fakes.Gpu]) -> None:
    def node(path: str) -> fakes.Gpu:
        three[path].closed = 0
        return three[path]

    def by(which: int | str) -> Device:
        return Device.open(which, devices=tmp_path, node=node)

    assert by(10).info().address == "0000:00:06.0"
    assert by("0000:00:06.0").path == str(tmp_path / "ai_gpu10")
    closed = {path: node.closed for path, node in three.items()}
    assert closed == {path: 0 if path.endswith("10") else 1 for path in three}
    with pytest.raises(Unavailable, match=r"no device at 0000:00:05\.0; .*gone"):
        by("0000:00:05.0")


def test_open_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ai_gpu0 does not exist") as caught:
        Device.open(devices=tmp_path)
    assert "modprobe ai_gpu" in (caught.value.hint or "")
    assert "/proc/ai_gpu" in (caught.value.hint or "")
    with pytest.raises(Unavailable, match="no device at"):
        Device.open("0000:00:01.0", devices=tmp_path)
    (tmp_path / "ai_gpu0").write_text("x")
    with pytest.raises(Unavailable, match="is not a device"):
        Device.open(0, devices=tmp_path)
    (tmp_path / "ai_gpu1").symlink_to("/dev/null")
    with pytest.raises(Unavailable, match="does not know the call"):
        Device.open(1, devices=tmp_path)

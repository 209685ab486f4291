# SPDX-License-Identifier: Apache-2.0
"""A dma-buf's access by the processor begins and ends as linux/dma-buf.h says."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel.errors import Refused
from codex_agent.kernel.memory import DmaBuf, Pool, dmabuf
from codex_agent.kernel.memory.memfd import Memfd

if TYPE_CHECKING:
    from collections.abc import Iterator

RW = dmabuf.READ | dmabuf.WRITE


class Kernel:
    """Notes the calls, and refuses the first of them as ``refuse`` says."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []
        self.refuse: list[int] = []

    def ioctl(self, fd: int, number: int, argument: dmabuf.Sync, *_: object) -> int:
        assert number == dmabuf.SYNC
        if self.refuse:
            raise OSError(self.refuse.pop(0), "refused")
        self.calls.append((fd, int.from_bytes(bytes(argument), "little")))
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(fcntl, "ioctl", made.ioctl)
    return made


@pytest.fixture
def shared(kernel: Kernel) -> Iterator[DmaBuf]:
    with DmaBuf(os.memfd_create("x"), 4096) as made:
        yield made


def test_it_begins_and_ends(shared: DmaBuf, kernel: Kernel) -> None:
    handle = shared.fileno()
    with shared.sync():
        assert kernel.calls == [(handle, RW)]
    assert kernel.calls[1:] == [(handle, RW | dmabuf.END)]
    kernel.calls.clear()
    with shared.sync(write=False):
        pass
    with shared.sync(read=False):
        pass
    flags = [flag for _, flag in kernel.calls]
    assert flags == [
        dmabuf.READ, dmabuf.READ | dmabuf.END, dmabuf.WRITE, dmabuf.WRITE | dmabuf.END,
    ]  # fmt: skip


def test_it_ends_when_the_work_inside_fails(shared: DmaBuf, kernel: Kernel) -> None:
    with pytest.raises(KeyError), shared.sync():
        raise KeyError
    assert kernel.calls[-1][1] == RW | dmabuf.END


def test_it_is_asked_again_after_a_signal(shared: DmaBuf, kernel: Kernel) -> None:
    kernel.refuse = [errno.EINTR, errno.EAGAIN]
    with shared.sync():
        assert len(kernel.calls) == 1


def test_a_refusal_has_its_number(shared: DmaBuf, kernel: Kernel) -> None:
    kernel.refuse = [errno.ENOTTY]
    with pytest.raises(Refused) as caught, shared.sync():
        pytest.fail("it did not begin")
    assert caught.value.errno == errno.ENOTTY


def test_a_buffer_covers_the_exports_that_are_open(kernel: Kernel) -> None:
    with Pool(Memfd(export=lambda fd, length: os.dup(fd))) as pool:
        buffer = pool.allocate(4096)
        with buffer.sync():
            assert kernel.calls == [], "no device has seen it"
        first, second, third = (buffer.export() for _ in range(3))
        second.close()
        with buffer.sync():
            begun = {handle for handle, _ in kernel.calls}
        assert begun == {first.fileno(), third.fileno()}
        assert [flag for _, flag in kernel.calls] == [RW, RW, RW | dmabuf.END, RW | dmabuf.END]
        del first, third


def test_closing_twice_closes_nothing_of_others(kernel: Kernel) -> None:
    made = DmaBuf(os.memfd_create("x"), 4096)
    number = made.fileno()
    made.close()
    assert made.closed
    other = os.memfd_create("y")
    assert other == number, "the number is used again at once"
    made.close()
    os.fstat(other)
    os.close(other)

# SPDX-License-Identifier: Apache-2.0
"""The pool of the module: what is asked of the kernel, and what becomes of its answers."""

from __future__ import annotations

import errno
import gc
import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel.abi.ai_mem import AllocFlag, ExportFlag, Ioctl
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.memory import Pool
from codex_agent.kernel.memory.ai_mem import AiMem
from tests.unit.kernel import child, fakes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def kernel() -> fakes.Memory:
    return fakes.Memory()


@pytest.fixture
def pool(kernel: fakes.Memory) -> Iterator[Pool]:
    with Pool(AiMem(kernel)) as opened:
        yield opened


def test_a_buffer_is_mapped_memory_in_whole_blocks(pool: Pool, kernel: fakes.Memory) -> None:
    buffer = pool.allocate(4097)
    assert (buffer.bytes, len(buffer.view)) == (8192, 8192)
    assert buffer.pinned.pinned
    buffer.view[5000:5003] = b"abc"
    assert os.pread(kernel.handles[1], 3, 5000) == b"abc"
    assert bytes(buffer.block(1)[904:907]) == b"abc"
    assert (kernel.last.node, kernel.last.flags) == (-1, 0)


def test_wishes_reach_the_kernel(pool: Pool, kernel: fakes.Memory) -> None:
    pool.allocate(1, node=3, contiguous=True, shared=True)
    assert kernel.last.node == 3
    assert kernel.last.flags == AllocFlag.CONTIGUOUS | AllocFlag.SHARED


def test_an_export_is_the_same_memory(pool: Pool, kernel: fakes.Memory) -> None:
    buffer = pool.allocate(4096)
    with buffer.export() as shared, shared.map() as mapping:
        buffer.view[0] = 7
        assert mapping[0] == 7
        assert (shared.bytes, shared.read_only) == (4096, False)
    with pytest.raises(Refused) as caught:
        shared.fileno()
    assert caught.value.errno == errno.EBADF
    assert buffer.export(read_only=True).read_only
    assert kernel.exported == [(1, 0), (1, ExportFlag.READ_ONLY)]


def test_free_gives_back_once(pool: Pool, kernel: fakes.Memory) -> None:
    buffer = pool.allocate(4096)
    buffer.free()
    buffer.free()
    assert kernel.freed == [1]
    assert buffer.freed
    for use in (lambda: buffer.view, buffer.export, lambda: buffer.ring, lambda: buffer.block(0)):
        with pytest.raises(Refused) as caught:
            use()
        assert caught.value.errno == errno.EBADF


def test_with_gives_back(pool: Pool, kernel: fakes.Memory) -> None:
    with pool.allocate(4096):
        assert not kernel.freed
    assert kernel.freed == [1]


def test_what_nobody_refers_to_goes_back(pool: Pool, kernel: fakes.Memory) -> None:
    buffer = pool.allocate(4096)
    part = buffer.view[10:20]
    part[0] = 1
    del buffer
    gc.collect()
    assert kernel.freed == [1]
    assert part[0] == 1, "a slice keeps the mapping, not the handle"


def test_a_child_that_forgets_a_buffer_frees_nothing(pool: Pool, kernel: fakes.Memory) -> None:
    buffer = pool.allocate(4096)
    held = [buffer]
    del buffer

    def forget() -> None:
        held.clear()
        gc.collect()
        assert not kernel.freed

    assert child.run(forget) == 0
    assert not held[0].freed
    held.clear()
    assert kernel.freed == [1], "the parent does"


def test_a_closed_pool_holds_nothing(kernel: fakes.Memory) -> None:
    pool = Pool(AiMem(kernel))
    first, second = pool.allocate(4096), pool.allocate(4096)
    pool.close()
    pool.close()
    assert (sorted(kernel.freed), kernel.closed) == ([1, 2], 1)
    assert first.freed
    assert second.freed
    with pytest.raises(Refused):
        pool.allocate(4096)
    with pytest.raises(Refused):
        pool.stat()


def test_a_failing_free_does_not_stop_the_others(kernel: fakes.Memory) -> None:
    pool = Pool(AiMem(kernel))
    buffers = [pool.allocate(4096) for _ in range(3)]
    kernel.fail[Ioctl.FREE] = [errno.EIO]
    with pytest.raises(Refused):
        pool.close()
    assert (len(kernel.freed), kernel.closed) == (2, 1)
    assert all(buffer.freed for buffer in buffers)


@pytest.mark.parametrize("size", [0, -1, 1 << 64, -(1 << 70)])
def test_sizes_that_are_none_do_not_reach_the_kernel(
    pool: Pool, kernel: fakes.Memory, size: int
) -> None:
    with pytest.raises(Refused) as caught:
        pool.allocate(size)
    assert caught.value.errno == errno.EINVAL
    assert Ioctl.ALLOC not in kernel.calls


@pytest.mark.parametrize("node", [-1, 1 << 31])
def test_nodes_that_are_none_do_not_reach_the_kernel(pool: Pool, node: int) -> None:
    with pytest.raises(Refused):
        pool.allocate(1, node=node)


@pytest.mark.parametrize("size", [1.5, "4096", None])
def test_sizes_that_are_no_numbers(pool: Pool, size: object) -> None:
    with pytest.raises(TypeError):
        pool.allocate(size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EPERM, "require_admin=0"), (errno.ENOMEM, "pool_mib"), (errno.EDQUOT, "limit"),
        (errno.EINVAL, "online"), (errno.E2BIG, "release"),
    ],
)  # fmt: skip
def test_refusals_have_their_number_and_a_hint(
    pool: Pool, kernel: fakes.Memory, number: int, hint: str
) -> None:
    kernel.fail[Ioctl.ALLOC] = [number]
    with pytest.raises(Refused) as caught:
        pool.allocate(4096)
    assert (caught.value.errno, caught.value.name) == (number, errno.errorcode[number])
    assert hint in (caught.value.hint or "")
    assert os.strerror(number) in caught.value.message


def test_signals_do_not_lose_a_call(pool: Pool, kernel: fakes.Memory) -> None:
    kernel.fail[Ioctl.ALLOC] = [errno.EINTR, errno.EINTR]
    buffer = pool.allocate(4096)
    assert (buffer.bytes, len(kernel.handles)) == (4096, 1)


def test_a_mapping_that_fails_gives_the_memory_back(pool: Pool, kernel: fakes.Memory) -> None:
    kernel.refuse_map = {0}
    with pytest.raises(Refused) as caught:
        pool.allocate(4096)
    assert caught.value.errno == errno.EAGAIN
    assert (kernel.freed, kernel.handles) == ([1], {})


def test_a_full_pool(pool: Pool) -> None:
    held = pool.allocate(fakes.MIB)
    with pytest.raises(Refused) as caught:
        pool.allocate(1)
    assert caught.value.errno == errno.ENOMEM
    held.free()
    assert pool.allocate(1).bytes == 4096


def test_stat(pool: Pool) -> None:
    held = pool.allocate(5000)
    stat = pool.stat()
    assert (stat.pool_bytes, stat.allocated_bytes, stat.owners) == (fakes.MIB, 8192, 1)
    held.free()
    assert pool.stat().allocated_bytes == 0


def test_another_device_of_that_name_is_noticed_and_closed(kernel: fakes.Memory) -> None:
    kernel.fail[Ioctl.STAT] = [errno.ENOTTY]
    with pytest.raises(Unavailable, match="does not know the call"):
        AiMem(kernel)
    assert kernel.closed == 1


def test_a_device_that_goes_away(pool: Pool, kernel: fakes.Memory) -> None:
    kernel.fail[Ioctl.ALLOC] = [errno.ENODEV]
    with pytest.raises(Unavailable, match="gone"):
        pool.allocate(4096)

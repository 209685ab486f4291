# SPDX-License-Identifier: Apache-2.0
"""Blocks without system calls, with the real library."""

from __future__ import annotations

import errno
import gc
import os
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel.errors import Refused
from codex_agent.kernel.memory import BlockRing, Pool, native
from codex_agent.kernel.memory.ai_mem import AiMem
from codex_agent.kernel.memory.memfd import Memfd
from tests.unit.kernel import child, fakes

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from codex_agent.kernel.memory import Buffer

BLOCKS = 64


@pytest.fixture
def pool(library: native.Library) -> Iterator[Pool]:
    with Pool(Memfd()) as opened:
        yield opened


@pytest.fixture
def buffer(pool: Pool) -> Buffer:
    return pool.allocate(BLOCKS * 4096, ring=True)


def test_every_block_once(buffer: Buffer) -> None:
    ring = buffer.ring
    assert (ring.blocks, ring.free_blocks) == (BLOCKS, BLOCKS)
    taken = ring.take(BLOCKS)
    assert sorted(taken) == list(range(BLOCKS))
    assert (ring.take(1), ring.free_blocks) == ([], 0)
    ring.give(taken[:10])
    assert sorted(ring.take(BLOCKS)) == sorted(taken[:10])
    ring.give(range(BLOCKS))
    assert ring.free_blocks == BLOCKS


def test_a_block_is_memory(buffer: Buffer) -> None:
    (number,) = buffer.ring.take()
    buffer.block(number)[:3] = b"abc"
    assert bytes(buffer.view[number * 4096 : number * 4096 + 3]) == b"abc"
    for wrong in (-1, BLOCKS):
        with pytest.raises(Refused):
            buffer.block(wrong)


@pytest.mark.parametrize("count", [-1, BLOCKS + 1, 1 << 40])
def test_counts_that_cannot_be(buffer: Buffer, count: int) -> None:
    with pytest.raises(Refused) as caught:
        buffer.ring.take(count)
    assert caught.value.errno == errno.EINVAL
    assert buffer.ring.take(0) == []


@pytest.mark.parametrize("numbers", [[BLOCKS], [-1], [0, 1 << 32], [1 << 32], ["1"], [0, 1 << 70]])
def test_numbers_that_cannot_be_change_nothing(buffer: Buffer, numbers: list[int]) -> None:
    taken = buffer.ring.take(2)
    with pytest.raises(Refused) as caught:
        buffer.ring.give(numbers)
    assert caught.value.errno == errno.EINVAL
    buffer.ring.give([])
    assert buffer.ring.free_blocks == BLOCKS - 2
    buffer.ring.give(taken)


def test_threads_have_caches_of_their_own(buffer: Buffer) -> None:
    ring, rounds, seen = buffer.ring, 300, []
    held: set[int] = set()
    guard = threading.Lock()

    def work() -> None:
        for _ in range(rounds):
            mine = ring.take(3)
            with guard:
                seen.append(held.isdisjoint(mine))
                held.update(mine)
            with guard:
                held.difference_update(mine)
            ring.give(mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen)
    assert len(seen) == 4 * rounds
    gc.collect()
    assert ring.free_blocks == BLOCKS, "the caches of threads that ended went back"


def test_a_child_does_not_take_what_the_parent_has(buffer: Buffer) -> None:
    ring = buffer.ring
    mine = set(ring.take(5))
    ring.flush()
    read, write = os.pipe()

    def take() -> None:
        os.write(write, struct.pack("5I", *ring.take(5)))
        ring.close()

    assert child.run(take) == 0
    theirs = set(struct.unpack("5I", os.read(read, 20)))
    os.close(read)
    os.close(write)
    rest = set(ring.take(BLOCKS))
    assert len(rest) == BLOCKS - 10
    assert len(mine | theirs | rest) == BLOCKS


def test_a_child_has_an_empty_cache_and_the_parent_keeps_its_own(buffer: Buffer) -> None:
    ring = buffer.ring
    ring.give(ring.take(BLOCKS))

    def take() -> None:
        taken = ring.take(BLOCKS)
        ring.give(taken)
        ring.flush()
        assert len(taken) < BLOCKS

    assert child.run(take) == 0
    assert sorted(ring.take(BLOCKS)) == list(range(BLOCKS))


def test_a_freed_buffer_has_no_ring(pool: Pool) -> None:
    buffer = pool.allocate(BLOCKS * 4096, ring=True)
    ring = buffer.ring
    ring.take(3)
    buffer.free()
    for use in (ring.take, lambda: ring.give([1]), lambda: ring.free_blocks):
        with pytest.raises(Refused) as caught:
            use()
        assert caught.value.errno == errno.EBADF
    ring.close()


def test_a_thread_that_still_runs_when_the_buffer_is_freed(pool: Pool) -> None:
    """Its cache refers to the ring, which therefore stays mapped until the thread ends."""
    buffer = pool.allocate(BLOCKS * 4096, ring=True)
    ring = buffer.ring
    took, freed = threading.Event(), threading.Event()
    errors: list[int] = []

    def work() -> None:
        ring.take(2)
        took.set()
        freed.wait()
        try:
            ring.take(1)
        except Refused as error:
            errors.append(error.errno)

    thread = threading.Thread(target=work)
    thread.start()
    took.wait()
    buffer.free()
    freed.set()
    thread.join()
    assert errors == [errno.EBADF]


def test_a_buffer_without_a_ring_says_so(pool: Pool) -> None:
    with pytest.raises(Refused) as caught:
        _ = pool.allocate(4096).ring
    assert "ring=True" in (caught.value.hint or "")


def corrupt(ring: mmap.mmap, blocks: int) -> None:
    ring[:] = os.urandom(len(ring))


def test_a_corrupt_ring_is_refused_and_its_memory_given_back(library: native.Library) -> None:
    kernel = fakes.Memory(corrupt)
    with Pool(AiMem(kernel)) as pool:
        with pytest.raises(Refused) as caught:
            pool.allocate(BLOCKS * 4096, ring=True)
        assert caught.value.errno == errno.EUCLEAN
        assert kernel.freed == [1]


def test_a_ring_of_the_kernel(library: native.Library) -> None:
    def init(ring: mmap.mmap, blocks: int) -> None:
        library.ring_init(native.address(ring), blocks)

    with Pool(AiMem(fakes.Memory(init))) as pool:
        ring = pool.allocate(20 * 4096, ring=True).ring
        assert isinstance(ring, BlockRing)
        assert sorted(ring.take(20)) == list(range(20))


def test_a_ring_that_turns_corrupt_is_noticed(buffer: Buffer) -> None:
    ring = buffer.ring
    mapping = ring._mapping
    assert mapping is not None
    mapping[64:] = b"\xff" * (len(mapping) - 64)
    with pytest.raises(Refused) as caught:
        ring.take(BLOCKS)
    assert caught.value.errno == errno.EUCLEAN
    assert "another" in (caught.value.hint or "")

# SPDX-License-Identifier: Apache-2.0
"""Memory without the module, for real: this machine's memfds."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.memory import Pool, ai_mem, native, udmabuf
from codex_agent.kernel.memory.memfd import Memfd
from tests.unit.kernel import child

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(Memfd(MIB, export=lambda fd, length: os.dup(fd))) as opened:
        yield opened


def test_a_buffer_is_zero_and_writable(pool: Pool) -> None:
    with pool.allocate(5000) as buffer:
        assert buffer.bytes == 8192
        assert bytes(buffer.view) == bytes(8192)
        buffer.view[8191] = 1


def test_its_memfd_cannot_shrink(pool: Pool) -> None:
    with pool.allocate(4096).export() as shared:
        seals = fcntl.fcntl(shared.fileno(), fcntl.F_GET_SEALS)
        assert seals & fcntl.F_SEAL_SHRINK
        with pytest.raises(PermissionError):
            os.ftruncate(shared.fileno(), 0)


def test_the_budget_is_kept(pool: Pool) -> None:
    held = pool.allocate(MIB - 4096)
    for size, number in ((8192, errno.ENOMEM), (MIB + 1, errno.EINVAL), ((1 << 64) - 1, 22)):
        with pytest.raises(Refused) as caught:
            pool.allocate(size)
        assert caught.value.errno == number
    with pool.allocate(4096):
        assert pool.stat().allocated_bytes == MIB
    held.free()
    stat = pool.stat()
    assert (stat.allocated_bytes, stat.peak_bytes, stat.pool_bytes) == (0, MIB, MIB)
    assert (stat.allocations, stat.frees, stat.failures) == (2, 2, 1)
    assert (stat.owners, stat.orphaned_bytes, stat.cgroup_bytes) == (None, None, None)


def test_what_it_cannot_do_is_said(pool: Pool) -> None:
    with pytest.raises(Unavailable, match="contiguous"):
        pool.allocate(8192, contiguous=True)
    with pytest.raises(Unavailable, match="NUMA"):
        pool.allocate(4096, node=0)
    assert pool.allocate(4096, contiguous=True).bytes == mmap.PAGESIZE
    with pytest.raises(Unavailable, match="only for reading"):
        pool.allocate(4096).export(read_only=True)
    assert pool.stat().allocated_bytes == 0


def test_memory_that_is_not_there_is_refused_and_not_counted(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    before = open_files()
    with pytest.raises(Refused) as caught:
        pool.allocate(4096)
    assert caught.value.errno == errno.ENOSPC
    assert pool.stat().allocated_bytes == 0
    assert open_files() == before


def test_file_descriptors_come_back(pool: Pool) -> None:
    before = open_files()
    for _ in range(20):
        with pool.allocate(4096) as buffer:
            buffer.export().close()
    assert open_files() == before


def test_memory_that_may_not_be_locked_says_so(pool: Pool) -> None:
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        # Without CAP_SETUID there is no CAP_IPC_LOCK to get rid of either.
        with suppress(PermissionError):
            os.setresuid(65534, 65534, 65534)
        pinned = pool.allocate(8192).pinned
        assert not pinned.pinned
        assert "mlock" in (pinned.reason or "")

    assert child.run(work) == 0


def test_without_udmabuf_there_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not exist") as caught:
        udmabuf.export(0, 4096, tmp_path / "udmabuf")
    assert "modprobe udmabuf" in (caught.value.hint or "")
    (tmp_path / "udmabuf").write_bytes(b"")
    with pytest.raises(Unavailable, match="made no dma-buf"):
        udmabuf.export(0, 4096, tmp_path / "udmabuf")


def test_a_buffer_beyond_udmabufs_limit_has_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(fcntl, "ioctl", refuse)
    device, limit = tmp_path / "udmabuf", tmp_path / "limit"
    device.write_bytes(b"")
    limit.write_text("64\n")
    with pytest.raises(Unavailable, match="at most 64 MiB, not of 65 MiB") as caught:
        udmabuf.export(0, (64 << 20) + 1, device, limit)
    assert str(limit) in (caught.value.hint or "")
    for text in ("65\n", "many", ""):
        limit.write_text(text)
        with pytest.raises(Unavailable, match="made no dma-buf"):
            udmabuf.export(0, (64 << 20) + 1, device, limit)


@pytest.mark.skipif(not os.access("/dev/udmabuf", os.W_OK), reason="needs /dev/udmabuf")
def test_an_export_through_udmabuf_is_the_same_memory() -> None:
    with Pool.open("memfd") as pool, pool.allocate(MIB) as buffer, buffer.export() as shared:
        with buffer.sync():
            buffer.view[:4] = b"data"
        with shared.map() as mapping:
            assert mapping[:4] == b"data"


def test_open_falls_back_and_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ai_mem, "PATH", str(tmp_path / "ai_mem"))
    with Pool.open() as pool:
        assert pool.backend == "memfd"
        assert pool.reason == f"{tmp_path}/ai_mem does not exist"
    with pytest.raises(Unavailable) as caught:
        Pool.open("ai_mem")
    assert caught.value.hint == "load the module: modprobe ai_mem"
    with Pool.open("memfd") as pool:
        assert (pool.backend, pool.reason) == ("memfd", "asked for")
    with pytest.raises(Refused, match="'hugetlb'"):
        Pool.open("hugetlb")  # type: ignore[arg-type]


def test_what_lies_in_the_devices_place_is_not_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fifo = tmp_path / "ai_mem"
    os.mkfifo(fifo)
    monkeypatch.setattr(ai_mem, "PATH", str(fifo))
    with pytest.raises(Unavailable, match="is not a device"):
        Pool.open("ai_mem")
    monkeypatch.setattr(ai_mem, "PATH", "/dev/null")
    with pytest.raises(Unavailable, match="does not know the call"):
        Pool.open("ai_mem")


def test_a_ring_without_its_library_takes_nothing(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(native, "library", lambda: native.Library(tmp_path / "no.so"))
    with pytest.raises(Unavailable, match="library cannot be used") as caught:
        pool.allocate(4096, ring=True)
    assert "make -C codex_agent/kernel/native" in (caught.value.hint or "")
    (tmp_path / "no.so").write_bytes(b"\x7fELF")
    with pytest.raises(Unavailable):
        pool.allocate(4096, ring=True)
    assert pool.stat().allocations == 0

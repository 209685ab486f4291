# SPDX-License-Identifier: Apache-2.0
"""A request's whole way: memory, device, computation and back, with everything checked."""

from __future__ import annotations

import errno
import math
import mmap
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.kernel.abi.ai_mem import BLOCK_BYTES
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.gpu import Device, Function
from codex_agent.kernel.memory import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_agent.kernel.gpu import DeviceInfo, JobResult
    from codex_agent.kernel.memory import Buffer, DmaBuf

#: Longest piece of data when nothing is said: Python makes and compares it word by word.
_LONGEST = 1 << 20
_WORD = struct.Struct("=Q")
_MASK = (1 << 64) - 1
#: 34! and all above are multiples of 2**32, so the device's 32 bits hold 0.
_FACTORIAL_ZERO = 34


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at, and what was seen; ``passed`` is None where it could not be."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class RequestResult:
    """What a request did. ``copied_bytes`` counts bytes that a processor moved: 0 is zero-copy.

    ``explicit_copied_bytes`` are this code's own, ``bounced_bytes`` those of the kernel where the
    device could not reach the memory. ``length`` is the data's, in bytes, each way.
    """

    backend: str
    backend_reason: str | None
    device: str
    address: str
    identity: str
    length: int
    argument: int
    result: int
    explicit_copied_bytes: int
    bounced_bytes: int
    checks: tuple[Check, ...]

    @property
    def copied_bytes(self) -> int:
        """Return all bytes that a processor moved on the way."""
        return self.explicit_copied_bytes + self.bounced_bytes

    @property
    def passed(self) -> bool:
        """Say whether no check failed; one that could not be made is no failure."""
        return all(check.passed is not False for check in self.checks)


def run(
    device: int | str = 0,
    *,
    backend: Literal["ai_mem", "memfd"] | None = None,
    length: int | None = None,
    argument: int = 10,
    timeout: float = 30.0,
) -> RequestResult:
    """Send a request through the pool and a device (number or PCI address).

    ``timeout`` is for each job, in seconds. Raises ``Unavailable`` where a part is missing and
    ``Refused`` where one says no; what came out wrong is a failed check of the result.
    """
    with Pool.open(backend) as pool, Device.open(device) as opened:
        return through(pool, opened, length=length, argument=argument, timeout=timeout)


def through(
    pool: Pool, device: Device, *, length: int | None, argument: int, timeout: float
) -> RequestResult:
    """Send a request through a pool and a device that are open."""
    before = device.info()
    length = _length(before, length)
    if Function.FACTORIAL not in before.functions:
        raise Unavailable(f"{device.path} does not compute factorials", "take another device")
    if not 0 <= argument < 1 << 32:
        raise Refused(f"compute the factorial of {argument}", errno.EINVAL, "0 to 2^32 - 1")
    back = -(-length // BLOCK_BYTES) * BLOCK_BYTES
    seed = int.from_bytes(os.urandom(8), "little")
    with pool.allocate(back + length) as buffer, buffer.export() as shared:
        one_memory = _one_memory(buffer, shared)
        with buffer.sync():
            _fill(buffer.view[:length], seed)
        to = device.to_device(shared, 0, 0, length).wait(timeout)
        computed = device.launch(Function.FACTORIAL, argument).wait(timeout)
        home = device.from_device(shared, back, 0, length).wait(timeout)
        bounced = to.bounced_bytes + home.bounced_bytes
        with buffer.sync(write=False):
            checks = (
                _same("sent", "the data in memory is what was written", buffer, 0, length, seed),
                _same("returned", "the data came back as it was", buffer, back, length, seed),
                _computed(argument, computed),
                one_memory,
                _counted(before, device.info(), length),
                Check("copies", bounced == 0, f"{bounced} bytes were copied by the kernel"),
            )
    return RequestResult(
        backend=pool.backend,
        backend_reason=pool.reason,
        device=device.path,
        address=before.address,
        identity=f"{before.vendor:04x}:{before.device:04x}",
        length=length,
        argument=argument,
        result=computed.result,
        # Words are made where they lie and compared where they lie; nothing else moves them.
        explicit_copied_bytes=0,
        bounced_bytes=bounced,
        checks=checks,
    )


def _length(info: DeviceInfo, wanted: int | None) -> int:
    """Return how much data to send, whole words that fit into the device's memory."""
    length = min(info.memory_bytes, _LONGEST) // 8 * 8 if wanted is None else wanted
    if length <= 0 or length % 8 or length > info.memory_bytes:
        hint = f"multiples of 8 up to {info.memory_bytes}, the device's memory"
        raise Refused(f"send {length} bytes", errno.EINVAL, hint)
    return length


def _words(seed: int, count: int) -> Iterator[int]:
    """Return words that look random and follow from ``seed`` (splitmix64)."""
    state = seed
    for _ in range(count):
        state = state + 0x9E3779B97F4A7C15 & _MASK
        word = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        word = (word ^ word >> 27) * 0x94D049BB133111EB & _MASK
        yield word ^ word >> 31


def _fill(view: memoryview, seed: int) -> None:
    """Write the words of ``seed`` in place."""
    for place, word in enumerate(_words(seed, len(view) // 8)):
        _WORD.pack_into(view, place * 8, word)


def _same(name: str, good: str, buffer: Buffer, offset: int, length: int, seed: int) -> Check:
    """Compare a part of the buffer with what was written, in place."""
    view = buffer.view[offset : offset + length]
    for place, word in enumerate(_words(seed, length // 8)):
        found = _WORD.unpack_from(view, place * 8)[0]
        if found != word:
            detail = f"byte {place * 8}: {found:016x} instead of {word:016x}"
            return Check(name, passed=False, detail=detail)
    return Check(name, passed=True, detail=f"{good}: {length} bytes")


def _computed(argument: int, job: JobResult) -> Check:
    """Compare the device's value with Python's own arithmetic."""
    expected = math.factorial(argument) % 2**32 if argument < _FACTORIAL_ZERO else 0
    text = f"{argument}! modulo 2^32 is {expected}, the device says {job.result}"
    return Check("computed", job.result == expected, text)


def _one_memory(buffer: Buffer, shared: DmaBuf) -> Check:
    """Write a mark into each page as the program has it, look for it as the dma-buf has it.

    It is meant for a buffer that holds nothing yet: the marks stay in it.
    """
    name = "one-memory"
    view = buffer.view
    try:
        mapping = shared.map()
    except Refused as error:
        return Check(name, passed=None, detail=error.message)
    count = same = 0
    with mapping, buffer.sync():
        for place in range(0, buffer.bytes, mmap.PAGESIZE):
            mark = _WORD.unpack(os.urandom(8))[0]
            _WORD.pack_into(view, place, mark)
            count += 1
            same += _WORD.unpack_from(mapping, place)[0] == mark
    text = f"{same} of {count} pages of the dma-buf are the program's own"
    return Check(name, same == count, text)


def _counted(before: DeviceInfo, after: DeviceInfo, length: int) -> Check:
    """Look whether the device's counters rose by what was done, at least: others may use it too."""
    names = {"bytes_to": length, "bytes_from": length, "launches": 1, "interrupts": 3}
    risen = {name: getattr(after, name) - getattr(before, name) for name in names}
    text = ", ".join(f"{name} +{count}" for name, count in risen.items())
    return Check("counted", all(risen[name] >= least for name, least in names.items()), text)

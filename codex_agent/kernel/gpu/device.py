# SPDX-License-Identifier: Apache-2.0
"""A device that the module ai_gpu drives."""

from __future__ import annotations

import ctypes
import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.kernel.abi import ai_gpu as abi
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.gpu.job import Job
from codex_agent.kernel.node import HINTS, Node, answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.kernel.memory import DmaBuf
    from codex_agent.kernel.node import Calls

DEVICES = Path("/dev")
_NAME = re.compile(r"ai_gpu(0|[1-9][0-9]*)", re.ASCII)
_HINTS = HINTS | {
    errno.EAGAIN: "the queue is full: wait for a job, then try again",
    errno.EACCES: "the dma-buf is only for reading",
    errno.EIO: "the device has failed; reset() may help",
}
_ABSENT = "modprobe ai_gpu loads the module; /proc/ai_gpu then shows what it drives"
_DMA = {errno.EINVAL: "offset and length have to lie in the dma-buf and in the device's memory"}
_LAUNCH = {errno.EINVAL: "DeviceInfo.functions says what the device computes"}


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device is, and what it did since the driver took it; sizes in bytes.

    ``numa_node`` is None where it is not known, ``functions`` are the LAUNCH functions it offers.
    """

    address: str
    vendor: int
    device: int
    identification: int
    state: abi.State | int
    numa_node: int | None
    functions: frozenset[int]
    memory_bytes: int
    dma_mask: int
    mapped_bytes: int
    transfers_to: int
    transfers_from: int
    bytes_to: int
    bytes_from: int
    launches: int
    interrupts: int
    bounced_bytes: int
    timeouts: int
    resets: int
    queued: int
    queue_limit: int


class Device:
    """An open /dev/ai_gpuN; its jobs run in their order and end when it is closed."""

    def __init__(self, node: Calls) -> None:
        """Use an open node; programs call ``open``."""
        self._node = node
        self.path = node.path

    @classmethod
    def open(
        cls,
        which: int | str = 0,
        *,
        nonblocking: bool = False,
        devices: Path = DEVICES,
        node: Callable[[str], Calls] | None = None,
    ) -> Device:
        """Open device number ``which``, or the one at a PCI address such as ``0000:00:04.0``.

        ``nonblocking``: a full queue is refused with EAGAIN instead of waited for. Raises
        ``Unavailable`` when there is no such device. ``devices`` and ``node`` are for tests.
        """
        make = node or (lambda path: Node(path, "ai_gpu", nonblocking=nonblocking, absent=_ABSENT))
        if isinstance(which, str):
            return cls._at(which, devices, make)
        device = cls(make(str(devices / f"ai_gpu{which}")))
        device._check()
        return device

    @classmethod
    def _at(cls, address: str, devices: Path, make: Callable[[str], Calls]) -> Device:
        """Open the device at an address: ask each which it is."""
        names = [path.name for path in devices.iterdir() if _NAME.fullmatch(path.name)]
        reasons = []
        for name in sorted(names, key=lambda name: int(name.removeprefix("ai_gpu"))):
            try:
                device = cls(make(str(devices / name)))
                if device._check().address == address:
                    return device
                device.close()
            except Unavailable as error:
                # It may be that very device, so what it says is part of the answer.
                reasons.append(error.reason)
        reason = f"ai_gpu drives no device at {address}"
        raise Unavailable("; ".join([reason, *reasons]), "see /proc/ai_gpu for those it drives")

    def _check(self) -> DeviceInfo:
        """Ask the device once, so that another device of this name is noticed."""
        try:
            return self.info()
        except BaseException:
            self.close()
            raise

    def info(self) -> DeviceInfo:
        """Return what the device is and did; no job is needed, and no privilege."""
        call = abi.Info(size=ctypes.sizeof(abi.Info))
        self._call("ask the device what it is", abi.Ioctl.INFO, call)
        names = set(DeviceInfo.__dataclass_fields__)
        told = {name: getattr(call, name) for name in names}
        told["address"] = call.address.decode("ascii", "replace")
        told["state"] = _state(call.state)
        told["numa_node"] = call.numa_node if call.numa_node >= 0 else None
        told["functions"] = frozenset(n + 1 for n in range(32) if call.functions >> n & 1)
        return DeviceInfo(**told)

    def to_device(self, dmabuf: DmaBuf | int, offset: int, device_address: int, length: int) -> Job:
        """Queue a transfer of ``length`` bytes from a dma-buf to device memory."""
        return self._dma(abi.Direction.TO_DEVICE, dmabuf, offset, device_address, length)

    def from_device(
        self, dmabuf: DmaBuf | int, offset: int, device_address: int, length: int
    ) -> Job:
        """Queue a transfer of ``length`` bytes from device memory to a dma-buf."""
        return self._dma(abi.Direction.FROM_DEVICE, dmabuf, offset, device_address, length)

    def launch(self, function: abi.Function | int, argument: int) -> Job:
        """Queue a computation; its value is ``Job.wait().result``."""
        _require(0 <= function < 1 << 32 and 0 <= argument < 1 << 64, "launch a computation")
        call = abi.Launch(size=ctypes.sizeof(abi.Launch), function=function, argument=argument)
        what = f"computation of function {int(function)}"
        self._call(what, abi.Ioctl.LAUNCH, call, _LAUNCH)
        return Job(self._node, what, call.fence)

    def reset(self) -> None:
        """Stop the device and start it anew; what it was doing fails."""
        self._call("reset the device", abi.Ioctl.RESET, abi.Reset(size=ctypes.sizeof(abi.Reset)))

    def fileno(self) -> int:
        """Return the file descriptor: readable while a completed job was not waited for."""
        return self._node.fileno()

    def close(self) -> None:
        """Close the device: queued jobs are cancelled, the running one is waited for."""
        self._node.close()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _dma(
        self, direction: abi.Direction, dmabuf: DmaBuf | int, offset: int, address: int, length: int
    ) -> Job:
        what = f"transfer of {length} bytes {direction.name.lower().replace('_', ' ')}"
        _require(all(0 <= number < 1 << 64 for number in (offset, address, length)), what)
        handle = dmabuf if isinstance(dmabuf, int) else dmabuf.fileno()
        _require(0 <= handle < 1 << 31, what)
        call = abi.Dma(
            size=ctypes.sizeof(abi.Dma),
            dmabuf_fd=handle,
            direction=direction,
            offset=offset,
            device_address=address,
            length=length,
        )
        self._call(what, abi.Ioctl.DMA, call, _DMA)
        return Job(self._node, what, call.fence)

    def _call(
        self,
        what: str,
        number: int,
        argument: ctypes.Structure,
        hints: dict[int, str] | None = None,
    ) -> None:
        while True:
            try:
                return self._node.call(number, argument)
            except InterruptedError:
                # Nothing was queued; the handler of the signal has run by now.
                continue
            except OSError as error:
                raise answered(what, self.path, error, _HINTS | (hints or {})) from None


def _require(good: bool, what: str) -> None:
    """Refuse numbers that would be cut to the width of their field."""
    if not good:
        raise Refused(what, errno.EINVAL, "numbers are not negative and have at most 64 bits")


def _state(number: int) -> abi.State | int:
    try:
        return abi.State(number)
    except ValueError:
        return number

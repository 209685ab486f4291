# SPDX-License-Identifier: Apache-2.0
"""Makes a dma-buf of a memfd by the kernel's own /dev/udmabuf (linux/udmabuf.h)."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from pathlib import Path

from codex_agent.kernel.errors import Unavailable

DEVICE = Path("/dev/udmabuf")
LIMIT = Path("/sys/module/udmabuf/parameters/size_limit_mb")
#: _IOW('u', 0x42, struct udmabuf_create)
CREATE = 0x40187542
_CLOEXEC = 1


class Create(ctypes.Structure):
    """``struct udmabuf_create``: a part of a memfd, in whole pages."""

    _fields_ = (
        ("memfd", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
    )


def export(memfd: int, length: int, device: Path = DEVICE, limit: Path = LIMIT) -> int:
    """Return the file descriptor of a dma-buf of ``length`` bytes, or raise ``Unavailable``."""
    mib = -(-length >> 20)
    size = max(mib, 256)
    try:
        handle = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        hint = f"load it: modprobe udmabuf size_limit_mb={size}"
        raise Unavailable(f"{device} does not exist", hint) from None
    except OSError as error:
        raise Unavailable(f"{device} cannot be opened: {error.strerror}", "be root") from None
    try:
        call = Create(memfd=memfd, flags=_CLOEXEC, offset=0, size=length)
        made: int = fcntl.ioctl(handle, CREATE, call, True)
    except OSError as error:
        allowed = _limit(limit)
        if error.errno == errno.EINVAL and allowed is not None and mib > allowed:
            raise Unavailable(
                f"udmabuf makes buffers of at most {allowed} MiB, not of {mib} MiB",
                f"as root: echo {size} > {limit}",
            ) from None
        raise Unavailable(f"{device} made no dma-buf: {error.strerror}", "see dmesg") from None
    finally:
        os.close(handle)
    return made


def _limit(path: Path) -> int | None:
    """Return the longest buffer in MiB, None where it cannot be read."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None

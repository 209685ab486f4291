# SPDX-License-Identifier: Apache-2.0
"""Plugin of nbdkit: serves a raw file as a disk and logs every request that changes it.

    nbdkit python recorder_plugin.py disk=FILE log=FILE

nbdkit-python-plugin(3) says what each function has to do; their names are its own. One request is
served at a time: a request is in the log before it is answered and before the next one begins, so a
flush makes certain exactly what stands before it. What is certain is so for the log only. The file
itself is not synchronised, since no test outlives a crash of this machine.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import nbdkit

from tests.support import holes, write_log
from tests.support.write_log import Kind

API_VERSION = 2
_SECTOR = 512
_MOST = 32 << 20
_given: dict[str, str] = {}


@dataclass(frozen=True)
class Served:
    """One connection: its files."""

    disk: int
    log: int


def config(key: str, value: str) -> None:
    """Take an argument of the command line."""
    if key not in ("disk", "log"):
        raise ValueError(f"no argument is called {key}")
    _given[key] = value


def config_complete() -> None:
    """Look whether all arguments are there, before anybody connects."""
    if set(_given) != {"disk", "log"}:
        raise ValueError("disk=FILE and log=FILE are needed")
    if not Path(_given["disk"]).is_file():
        raise FileNotFoundError(f"there is no file {_given['disk']}")


def thread_model() -> int:
    """One request at a time, of all connections together."""
    model: int = nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS
    return model


def open(readonly: bool) -> Served:  # noqa: A001 - the name is nbdkit's
    """Begin a connection."""
    return Served(
        os.open(_given["disk"], os.O_RDWR),
        os.open(_given["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644),
    )


def close(served: Served) -> None:
    """End a connection."""
    os.close(served.disk)
    os.close(served.log)


def get_size(served: Served) -> int:
    """Size of the disk in bytes."""
    return os.fstat(served.disk).st_size


def block_size(served: Served) -> tuple[int, int, int]:
    """Smallest, preferred and largest request."""
    return _SECTOR, 4096, _MOST


def can_multi_conn(served: Served) -> bool:
    """Whether a flush of one connection is one for all others: nobody needs it."""
    return False


def can_fua(served: Served) -> int:
    """Requests that are certain by themselves are logged as such."""
    kind: int = nbdkit.FUA_NATIVE
    return kind


def pread(served: Served, buffer: bytearray, offset: int, flags: int) -> None:
    """Read; nothing is logged."""
    buffer[:] = holes.read(served.disk, offset, len(buffer))


def pwrite(served: Served, buffer: bytearray, offset: int, flags: int) -> None:
    """Write."""
    holes.write(served.disk, offset, buffer)
    forced = _forced(flags)
    write_log.append(served.log, Kind.WRITE, offset, len(buffer), forced=forced, data=buffer)


def zero(served: Served, count: int, offset: int, flags: int) -> None:
    """Write zeros; where the client lets us make a hole, zeros serve as well."""
    holes.zero(served.disk, offset, count)
    write_log.append(served.log, Kind.ZERO, offset, count, forced=_forced(flags))


def trim(served: Served, count: int, offset: int, flags: int) -> None:
    """Discard: zeros are left, so that the log says what is read from then on."""
    zero(served, count, offset, flags)


def flush(served: Served, flags: int) -> None:
    """Note that all that was answered before is certain."""
    write_log.append(served.log, Kind.FLUSH)


def _forced(flags: int) -> bool:
    return bool(flags & nbdkit.FLAG_FUA)

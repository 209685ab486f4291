# SPDX-License-Identifier: Apache-2.0
"""Unpacks the whole root where there is no delta; it cannot grow beyond what was signed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from codex_agent.provision.files import sync_directory
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.update.program import Runner

ZSTD = "zstd"
TIMEOUT_S = 3600.0


class _TooLongError(Exception):
    pass


def unpack(
    run: Runner,
    packed: Path,
    target: Path,
    size: int,
    sha256: str,
    *,
    keep: Sequence[int] = (),
    tell: Callable[[str, int, int], None],
) -> None:
    """Write what ``packed`` holds to ``target``; it has to have this size and hash."""
    unfinished = target.with_name(f"{target.name}.part")
    digest = hashlib.sha256()
    have = 0
    try:
        with unfinished.open("wb") as stream:

            def take(part: bytes) -> None:
                nonlocal have
                have += len(part)
                if have > size:
                    # Ends the program as well: it shall not unpack what nobody will take.
                    raise _TooLongError  # noqa: TRY301 - from the inside of a call
                digest.update(part)
                stream.write(part)
                tell(target.name, have, size)

            argv = [ZSTD, "--decompress", "--stdout", "--quiet", "--", str(packed)]
            done = run(argv, timeout_s=TIMEOUT_S, keep=keep, on_data=take)
            stream.flush()
            os.fsync(stream.fileno())
        if done.status != 0:
            raise _failed(packed, done.last)
        if have != size or digest.hexdigest() != sha256:
            raise _failed(packed, "its content is not what was signed")
        unfinished.rename(target)
        sync_directory(target.parent)
    except _TooLongError:
        raise _failed(packed, "it holds more than was signed") from None
    except OSError as error:
        raise disk_error(error, target.parent) from None
    finally:
        unfinished.unlink(missing_ok=True)


def _failed(packed: Path, why: str) -> UpdateError:
    return UpdateError(
        Exit.DIFFERENT,
        f"{packed.name} cannot be unpacked: {why}.",
        "Ask whoever serves these updates; nothing of it was used.",
    )

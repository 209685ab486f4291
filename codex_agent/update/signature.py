# SPDX-License-Identifier: Apache-2.0
"""The signature over the checksums, judged by gpgv with the keyring of the image.

gpgv also ends with 0 where we would not: for two signatures, or one over a weak hash. What it says
on its status channel is read, and has to be one good signature and nothing else.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from codex_agent.update.program import Runner

KEYRING = "/usr/lib/systemd/import-pubring.gpg"
GPGV = "gpgv"
_TIMEOUT_S = 60.0
_PREFIX = "[GNUPG:] "
_STRONG = frozenset({"8", "9", "10", "11"})  # SHA-2 of 256, 384, 512 and 224 bits (RFC 9580, 9.5)
_DETACHED = "00"  # a signature over a file as it is
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}", re.ASCII)

# What gpgv says of a signature that is none of ours, as the end of "the signature …".
_BAD: dict[str, str] = {
    "BADSIG": "does not belong to these checksums",
    "EXPSIG": "has expired",
    "EXPKEYSIG": "was made with a key that has expired",
    "REVKEYSIG": "was made with a key that was revoked",
    "NO_PUBKEY": "was made with a key that this host does not know",
    "ERRSIG": "cannot be checked",
    "NODATA": "is damaged or none at all",
    "UNEXPECTED": "is damaged or none at all",
}


def verify(run: Runner, keyring: str, content: bytes, signature: bytes) -> str:
    """Return the fingerprint of the key that signed ``content``; refuses everything else."""
    if not os.access(keyring, os.R_OK):
        raise UpdateError(
            Exit.UNSIGNED,
            f"This host has no keyring to check updates with ({keyring}).",
            "Updates need an image that was built together with a release key.",
        )
    with ExitStack() as stack:
        paths = [
            _in_memory(stack, name, data)
            for name, data in (("signature", signature), ("content", content))
        ]
        argv = [
            GPGV, "--homedir", "/nonexistent", "--status-fd", "1", "--keyring", keyring,
            *(f"/proc/self/fd/{handle}" for handle in paths),
        ]  # fmt: skip
        done = run(argv, timeout_s=_TIMEOUT_S, keep=paths)
    if done.status is None:
        raise UpdateError(
            Exit.FAILED, f"The signature could not be checked: {done.last}.", f"{GPGV} --version"
        )
    return _judge(done.status, done.out)


def _in_memory(stack: ExitStack, name: str, data: bytes) -> int:
    """Return a file in memory: what is checked is what was read, and nobody can exchange it."""
    handle = os.memfd_create(name, os.MFD_CLOEXEC)
    stack.callback(os.close, handle)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _judge(status: int, said: str) -> str:
    """Return the key's fingerprint from what gpgv said, or refuse."""
    words = [
        entry.removeprefix(_PREFIX).split()
        for entry in said.splitlines()
        if entry.startswith(_PREFIX) and len(entry) > len(_PREFIX)
    ]
    found = [entry[0] for entry in words]
    for keyword, clause in _BAD.items():
        if keyword in found:
            raise refusal(clause)
    valid = [entry for entry in words if entry[0] == "VALIDSIG"]
    counts = [found.count(keyword) for keyword in ("NEWSIG", "GOODSIG", "VALIDSIG")]
    if counts != [1, 1, 1]:
        many = counts[0] > 1
        raise refusal("is not one signature but several" if many else "is damaged or none at all")
    fields = valid[0]
    if len(fields) < 11 or _FINGERPRINT.fullmatch(fields[10]) is None:
        raise refusal("cannot be checked")
    if fields[8] not in _STRONG:
        raise refusal("was made over a weak hash")
    if fields[9] != _DETACHED or status != 0:
        raise refusal("cannot be checked")
    return fields[10]


def refusal(clause: str) -> UpdateError:
    """Return the error for a signature that ``clause`` describes."""
    return UpdateError(
        Exit.UNSIGNED,
        f"Nothing was taken: the signature of the checksums {clause}.",
        "Ask whoever serves these updates; the content may have been changed on its way.",
    )

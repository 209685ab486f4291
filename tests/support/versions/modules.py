# SPDX-License-Identifier: Apache-2.0
"""Kernel modules without a signature, or with that of somebody else."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support import programs
from tests.support.versions.signing import Pair

_MARK = b"~Module signature appended~\n"
#: struct module_signature (include/linux/module_signature.h); its last four bytes are the length
#: of the signature before it.
_TRAILER = 12


def unsigned(module: bytes) -> bytes:
    """Return the module without its signature."""
    if not module.endswith(_MARK):
        raise AssertionError("the module has no signature")
    end = len(module) - len(_MARK)
    return module[: end - _TRAILER - int.from_bytes(module[end - 4 : end], "big")]


def signed_by(pair: Pair) -> Callable[[bytes], bytes]:
    """Return what signs a module anew with a pair, as the kernel's own sign-file does."""

    def change(module: bytes) -> bytes:
        content = unsigned(module)
        with tempfile.TemporaryDirectory(prefix="codex-module-") as folder:
            plain, blob = Path(folder) / "module", Path(folder) / "signature"
            plain.write_bytes(content)
            programs.run(
                "openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap",
                "-md", "sha256", "-outform", "DER", "-signer", pair.certificate,
                "-inkey", pair.key, "-in", plain, "-out", blob,
            )  # fmt: skip
            signature = blob.read_bytes()
        # Algorithm, hash, kind of identifier (2: PKCS #7), lengths of names that are not there.
        trailer = bytes([0, 0, 2, 0, 0, 0, 0, 0]) + len(signature).to_bytes(4, "big")
        return content + signature + trailer + _MARK

    return change


def corrupt(module: bytes) -> bytes:
    """Invert one bit in the middle of the code; the signature stays, and no longer fits."""
    at = len(unsigned(module)) // 2
    return module[:at] + bytes([module[at] ^ 1]) + module[at + 1 :]

# SPDX-License-Identifier: Apache-2.0
"""Pairs of key and certificate, and the signature of a root hash as systemd-repart writes it."""

import base64
import hashlib
import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.support import programs, uki

#: Size of a signature partition (images/partitions/10-root-a-signature.conf).
PARTITION = 16 * 1024


@dataclass(frozen=True)
class Pair:
    """Private key and certificate, PEM files."""

    key: Path
    certificate: Path

    @classmethod
    def of(cls, keys: Path, name: str) -> "Pair":
        """One of the pairs that a build makes: ``db``, ``verity`` or ``modules``."""
        return cls(keys / f"{name}.key", keys / f"{name}.crt")


def foreign(folder: Path) -> Pair:
    """A pair that no host of ours trusts; made once in a folder."""
    pair = Pair(folder / "foreign.key", folder / "foreign.crt")
    if not pair.certificate.exists():
        folder.mkdir(parents=True, exist_ok=True)
        uki.foreign_key(folder)
    return pair


def root_hash(digest: str, signer: Pair, scratch: Path) -> bytes:
    """Return the content of a signature partition.

    PKCS #7, detached and without attributes: the kernel takes no other form for a root hash.
    """
    text, blob = scratch / "root-hash", scratch / "root-hash.p7s"
    text.write_text(digest, encoding="ascii")
    programs.run(
        "openssl", "smime", "-sign", "-binary", "-noattr", "-md", "sha256", "-outform", "DER",
        "-signer", signer.certificate, "-inkey", signer.key, "-in", text, "-out", blob,
    )  # fmt: skip
    certificate = ssl.PEM_cert_to_DER_cert(signer.certificate.read_text(encoding="ascii"))
    content = json.dumps(
        {
            "rootHash": digest,
            "certificateFingerprint": hashlib.sha256(certificate).hexdigest(),
            "signature": base64.b64encode(blob.read_bytes()).decode(),
        },
        separators=(",", ":"),
    )
    return content.encode().ljust(PARTITION, b"\0")

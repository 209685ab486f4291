# SPDX-License-Identifier: Apache-2.0
"""Finds private keys in files, whatever form they are in."""

import base64
import binascii
import re
from collections.abc import Iterable
from pathlib import Path

#: A PEM private key with content, or one of OpenPGP, which is armoured in almost the same way.
#: Programs that can read keys contain the first line alone.
_PEM = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----\s+"
    rb"(?:[A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/=]{40,}"
)
#: Bytes of a key that are looked for; long enough that no other data holds them by chance.
_SAMPLE = 24
#: An OpenPGP key of ed25519 (RFC 9580, 5.5.3 and 9.2): the curve, the public point, the word that
#: the secret is not encrypted, and the length of the secret.
_ED25519 = re.compile(
    rb"\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01\x01\x07\x40.{32}\x00[\x00\x01].",
    re.DOTALL,
)


def holds_private_key(data: bytes) -> bool:
    """Tell whether ``data`` contains a private key in PEM or OpenSSH form."""
    return _PEM.search(data) is not None


def fingerprints(keys: Iterable[Path]) -> dict[str, list[bytes]]:
    """For each PEM private key file: byte strings that occur wherever that key occurs.

    One is a piece of the base64 text, the other of the binary form (DER), which is the same whether
    the key is wrapped in PKCS #8 or not.
    """
    found: dict[str, list[bytes]] = {}
    for key in keys:
        text = key.read_bytes()
        body = re.search(rb"-----BEGIN [^-]*-----\s(.*?)-----END", text, re.DOTALL)
        if body is None:
            raise AssertionError(f"{key} is not a PEM file")
        # OpenPGP ends with a sum over the bytes.
        lines = [line for line in body[1].split() if not line.startswith(b"=")]
        try:
            binary = base64.b64decode(b"".join(lines), validate=True)
        except binascii.Error as error:
            raise AssertionError(f"{key} is not base64 between its PEM lines") from error
        secret = binary[_secret_at(binary, key) :][:_SAMPLE]
        # A short key has its secret in few lines.
        middle = len(lines) // 2 if b"PGP" not in text[:16] else binary.index(secret) * 4 // 3 // 64
        found[key.name] = [lines[middle][:64], secret]
    return found


def _secret_at(binary: bytes, key: Path) -> int:
    """Offset of secret bytes in a decoded key; not of public ones, which certificates hold."""
    if binary.startswith(b"openssh-key-v1\0"):
        # An ed25519 secret is a string of 64 bytes: seed, then public key (PROTOCOL.key).
        at = binary.find(b"\x00\x00\x00\x40")
        offset = at + 4 if at >= 0 else -1
    elif curve := _ED25519.search(binary):
        offset = curve.end()
    elif len(binary) > 400:
        # RSA: modulus and public exponent come first, then private exponent, primes and their
        # inverses, so the middle of the file is secret whether it is wrapped in PKCS #8 or not.
        offset = len(binary) // 2
    else:
        # EC: ECPrivateKey is version 1, then the secret number as an OCTET STRING.
        header = re.search(rb"\x02\x01\x01\x04[\x20\x30\x42]", binary)
        offset = header.end() if header else -1
    if offset < 0:
        raise AssertionError(f"{key} is no RSA, EC or ed25519 private key that this test can read")
    return offset


def holds(data: bytes, samples: Iterable[bytes]) -> bool:
    """Tell whether one of the ``samples`` occurs in ``data``."""
    return any(sample in data for sample in samples)

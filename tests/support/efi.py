# SPDX-License-Identifier: Apache-2.0
"""Reads EFI variables and signature lists (UEFI specification 2.10, 32.4.1)."""

import base64
import ssl
import struct
import uuid
from pathlib import Path

from testinfra.host import Host

GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
IMAGE_SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
_DIRECTORY = "/sys/firmware/efi/efivars"


def variable(host: Host, name: str, vendor: str) -> bytes:
    """Value of an EFI variable, without the four bytes of attributes before it in efivarfs."""
    text = host.check_output("base64 -w0 %s", f"{_DIRECTORY}/{name}-{vendor}")
    return base64.b64decode(text)[4:]


def exists(host: Host, name: str, vendor: str) -> bool:
    """Tell whether the firmware has the variable."""
    return bool(host.file(f"{_DIRECTORY}/{name}-{vendor}").exists)


def certificates(signature_lists: bytes) -> list[bytes]:
    """All certificates (DER) of a chain of signature lists; any other entry is an error."""
    found: list[bytes] = []
    position = 0
    while position < len(signature_lists):
        kind, list_size, header_size, entry_size = struct.unpack_from(
            "<16sIII", signature_lists, position
        )
        if uuid.UUID(bytes_le=kind) != _X509:
            raise AssertionError(f"the list trusts entries of type {uuid.UUID(bytes_le=kind)}")
        first = position + 28 + header_size
        # An entry begins with the 16 bytes of its owner.
        found += [
            signature_lists[at + 16 : at + entry_size]
            for at in range(first, position + list_size, entry_size)
        ]
        position += list_size
    return found


def der(certificate: Path) -> bytes:
    """Binary form of a PEM certificate file."""
    return ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))

# SPDX-License-Identifier: Apache-2.0
"""Boot loaders as bytes: a PE file with systemd-boot's mark, and a signature at its end."""

import struct

_HEAD, _OPTIONAL, _DIRECTORIES = 0x80, 0x80 + 24, 112


def loader_of(
    version: str = "257.13-1~deb13u1", signature: bytes = b"signed by ours", body: bytes = b"code"
) -> bytes:
    """Return a loader; ``body`` is what it does, which the signature covers."""
    content = bytearray(512)
    content[:2] = b"MZ"
    struct.pack_into("<I", content, 0x3C, _HEAD)
    content[_HEAD : _HEAD + 4] = b"PE\0\0"
    struct.pack_into("<H", content, _OPTIONAL, 0x20B)
    content += f"#### LoaderInfo: systemd-boot {version} ####".encode() + b"\0" + body
    struct.pack_into("<II", content, _OPTIONAL + _DIRECTORIES + 32, len(content), len(signature))
    return bytes(content) + signature

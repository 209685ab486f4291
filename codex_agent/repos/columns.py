# SPDX-License-Identifier: Apache-2.0
"""Columns side by side in one run of bytes: how blocks of the store and the stream are written.

A column is named and holds bytes: numbers of the machine in little endian, or text. The layout is
a header of JSON (``[[name, bytes], …]``) after its length (u32), then the columns, each beginning
at a multiple of 8, so that a page can lay typed arrays over them.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LENGTH = struct.Struct("<I")
_ALIGN = 8
_HEADER_MAX = 64 * 1024


def u32(values: Iterable[int] = ()) -> array[int]:
    """Return numbers from 0 to 2**32 - 1."""
    found = array("I", values)
    if found.itemsize != 4:
        raise ValueError("an unsigned int of this machine has not 4 bytes")
    return found


def i64(values: Iterable[int] = ()) -> array[int]:
    """Return signed numbers of 8 bytes."""
    return array("q", values)


def u8(values: Iterable[int] = ()) -> array[int]:
    """Return numbers from 0 to 255."""
    return array("B", values)


def raw(values: array[int]) -> bytes:
    """Return the bytes of numbers, little endian on every machine."""
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values.tobytes()


def numbers(code: str, content: bytes) -> array[int]:
    """Read what ``raw`` wrote; ``code`` is the type as ``array`` names it."""
    found: array[int] = array(code)
    found.frombytes(content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def pack(columns: Mapping[str, bytes]) -> bytes:
    """Put columns into one run of bytes."""
    header = json.dumps([[name, len(content)] for name, content in columns.items()]).encode()
    parts = [_LENGTH.pack(len(header)), header]
    at = _LENGTH.size + len(header)
    for content in columns.values():
        gap = -at % _ALIGN
        parts += [b"\0" * gap, content]
        at += gap + len(content)
    return b"".join(parts)


def unpack(content: bytes) -> dict[str, bytes]:
    """Take apart what ``pack`` made; ValueError for anything else."""
    if len(content) < _LENGTH.size:
        raise ValueError("it has no header")
    (size,) = _LENGTH.unpack_from(content)
    if size > _HEADER_MAX or _LENGTH.size + size > len(content):
        raise ValueError("its header is longer than it is")
    at = _LENGTH.size + size
    found: dict[str, bytes] = {}
    for name, length in _header(content[_LENGTH.size : at]):
        at += -at % _ALIGN
        found[name] = content[at : at + length]
        if len(found[name]) != length:
            raise ValueError(f"its column {name} is cut")
        at += length
    return found


def _header(content: bytes) -> list[tuple[str, int]]:
    try:
        listed = json.loads(content)
    except RecursionError:
        raise ValueError("its header is no list") from None
    if not isinstance(listed, list):
        raise ValueError("its header is no list")  # noqa: TRY004 - content, not a call
    for entry in listed:
        match entry:
            case [str(), int(length)] if length >= 0:
                continue
            case _:
                raise ValueError("its header names no columns")
    return [(name, length) for name, length in listed]

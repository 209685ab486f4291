# SPDX-License-Identifier: Apache-2.0
"""The index of a root or a UKI in chunks (``.caibx``), as casync writes it for one file."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LIMIT = 64 * 1024**2  # bytes: a million chunks
CHUNK_LIMIT = 16 * 1024**2  # bytes: far more than any useful size of a chunk

# Numbers of casync's format (caformat.h), all little-endian.
_INDEX = 0x96824D9C7B129FF9
_TABLE = 0xE75B9E112F17417D
_TAIL = 0x4B4F050E5549ECD1
_HEADER = struct.Struct("<6Q")
_TABLE_HEADER = struct.Struct("<2Q")
_ITEM = struct.Struct("<Q32s")
_END = struct.Struct("<5Q")


@dataclass(frozen=True, slots=True)
class Index:
    """``size`` of the whole file, the largest chunk, and the names of the chunks in order."""

    size: int
    chunk_max: int
    chunks: tuple[str, ...]


def parse(content: bytes) -> Index:
    """Return what an index says; raises ``ValueError`` on what casync would not have written."""
    items_at = _HEADER.size + _TABLE_HEADER.size
    if len(content) < items_at + _END.size or len(content) > LIMIT:
        raise ValueError("it has not the length of an index")
    header, kind, _flags, _low, _average, chunk_max = _HEADER.unpack_from(content)
    table_size, table = _TABLE_HEADER.unpack_from(content, _HEADER.size)
    if (header, kind, table) != (_HEADER.size, _INDEX, _TABLE) or table_size != 2**64 - 1:
        raise ValueError("it does not begin like an index")
    if not 0 < chunk_max <= CHUNK_LIMIT:
        raise ValueError("its chunks are too large")
    body = len(content) - items_at - _END.size
    if body % _ITEM.size:
        raise ValueError("its last entry is not whole")
    end = _END.unpack_from(content, items_at + body)
    if end != (0, 0, _HEADER.size, _TABLE_HEADER.size + body + _END.size, _TAIL):
        raise ValueError("it does not end like an index")
    chunks: list[str] = []
    before = 0
    for after, identifier in _ITEM.iter_unpack(content[items_at : items_at + body]):
        if not before < after <= before + chunk_max:
            raise ValueError(f"entry {len(chunks) + 1} does not follow the one before it")
        chunks.append(identifier.hex())
        before = after
    return Index(before, chunk_max, tuple(chunks))

# SPDX-License-Identifier: Apache-2.0
"""How the initrd is packed: a change in one place leaves what follows as it was."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from builder.image import COMPRESSION

pytestmark = pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd")
CHECKSUM = 4  # bytes at the end of a frame


def _text(seed: int, size: int) -> bytes:
    """What compresses about as programs do, the same each time."""
    source = random.Random(seed)
    words = [source.randbytes(source.randint(2, 12)) for _ in range(4000)]
    return b"".join(source.choices(words, k=size // 6))[:size]


def _pack(folder: Path, content: bytes) -> bytes:
    plain, packed = folder / "initrd.cpio", folder / "initrd.cpio.zst"
    plain.write_bytes(content)
    subprocess.run([*COMPRESSION, plain, "-o", packed], check=True)
    assert not plain.exists()
    unpacked = subprocess.run(["zstd", "-dcq", packed], capture_output=True, check=True).stdout
    assert unpacked == content
    return packed.read_bytes()


def _same_end(one: bytes, two: bytes) -> int:
    pairs = zip(reversed(one[:-CHECKSUM]), reversed(two[:-CHECKSUM]), strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), min(len(one), len(two)))


def test_what_follows_a_change_stays(tmp_path: Path) -> None:
    content = _text(1, 4 * 1024**2)
    before = _pack(tmp_path, content)
    after = _pack(tmp_path, content[:1000] + b"some more" + content[1000:])
    assert len(before) < len(content) * 0.9
    assert _same_end(before, after) > len(before) // 3


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    content = _text(2, 1024**2)
    assert _pack(tmp_path, content) == _pack(tmp_path, content)

# SPDX-License-Identifier: Apache-2.0
"""The reader of initrds."""

import stat

import pytest

from tests.support import cpio


def _newc(*members: tuple[str, bytes]) -> bytes:
    archive = b""
    for name, data in [*members, ("TRAILER!!!", b"")]:
        fields = [1, stat.S_IFREG | 0o644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        head += bytes(-len(head) % 4)
        archive += head + data + bytes(-len(data) % 4)
    return archive


def _zstd(data: bytes, *, checksum: bool = False) -> bytes:
    """Frame of raw blocks of at most 7 bytes, as RFC 8878 describes it."""
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    frame = b"\x28\xb5\x2f\xfd" + bytes([0x60 | (4 if checksum else 0)])
    frame += (len(data) - 256).to_bytes(2, "little")
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        frame += (len(piece) << 3 | last).to_bytes(3, "little") + piece
    return frame


def test_archives_follow_one_another_with_padding() -> None:
    initrd = _newc(("./a", b"1")) + bytes(512) + _newc(("b/c", b"22"), ("d", b""))
    found = list(cpio.members(initrd))
    assert [(member.path, member.data) for member in found] == [
        ("a", b"1"),
        ("b/c", b"22"),
        ("d", b""),
    ]
    assert all(member.is_file for member in found)


def test_frame_after_a_plain_archive_is_unpacked() -> None:
    inner = _newc(("late", b"x" * 300))
    initrd = _newc(("early", b"")) + _zstd(inner) + bytes(3) + _newc(("last", b""))
    assert [member.path for member in cpio.members(initrd)] == ["early", "late", "last"]


@pytest.mark.parametrize("length", [50, 150, 200])
def test_archive_that_breaks_off_is_an_error(length: int) -> None:
    with pytest.raises(ValueError, match="breaks off"):
        list(cpio.members(_newc(("name", b"d" * 100))[:length]))


def test_unknown_content_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither cpio nor zstd"):
        list(cpio.members(b"\x1f\x8b\x08" + bytes(20)))


def test_frame_that_breaks_off_is_an_error() -> None:
    with pytest.raises(ValueError, match="breaks off"):
        list(cpio.members(_zstd(b"x" * 300)[:100]))

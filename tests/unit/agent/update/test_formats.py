# SPDX-License-Identifier: Apache-2.0
"""Names, checksums and indexes: what is not of the form is refused as a whole."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.update import index, names, sums
from tests.unit.agent.update import releases

HASH = "0123456789abcdef" * 4
GOOD = f"{HASH}  codex-os_0.1.9_x86-64.efi\n"
EVIL_NAMES = [
    "../codex-os_1_x86-64.efi", "..", ".", "/etc/passwd", "a/b", "a\\b", "-rf", ".hidden",
    "codex os", "a\tb", "a\rb", "a\0b", "ä", "a" * 256, "a\x1b[2J", "a\u2028b", "a:b", "a%2fb",
]  # fmt: skip


def test_own_names() -> None:
    found = names.parse("codex-os_0.1.9_x86-64.root.raw.zst")
    assert found == names.Artefact("0.1.9", "x86-64", "root.raw.zst")
    for ending in (*names.ENDINGS.values(), names.RELEASE, names.UNPACKED_ROOT):
        assert names.openable(names.of("0.1.9", "x86-64", ending))
    assert names.openable(names.chunk(HASH))
    assert names.openable(names.SUMS)
    assert names.openable(names.SIGNATURE)


@pytest.mark.parametrize("name", [
    *EVIL_NAMES, "", "codex-os_0.1.9_x86-64.efi/../x", "other_0.1.9_x86-64.efi", "codex-os_0.1.9",
    "codex-os_a_x86-64.efi", "codex-os_1_x_x86-64.efi", "codex-os_1_.efi",
    "codex-os_1_x86-64.efi\n",
    f"store/0123/{HASH}", f"store/0124/{HASH}.cacnk", f"store/../0123/{HASH}.cacnk",
    f"store/0123/{HASH}.cacnk\n", f"store/0123/{HASH.upper()}.cacnk", f"/store/0123/{HASH}.cacnk",
])  # fmt: skip
def test_foreign_names_are_never_opened(name: str) -> None:
    assert not names.openable(name)
    assert names.parse(name) is None


@given(st.text(max_size=90))
def test_nothing_that_leaves_its_folder_is_opened(name: str) -> None:
    if names.openable(name):
        assert ".." not in name.split("/")
        assert not name.startswith("/")
        assert name.isascii()
        assert name.isprintable()


def test_checksums() -> None:
    other = f"{'f' * 64} *other.txt\n"
    found = sums.parse((GOOD + other).encode())
    assert found == {"codex-os_0.1.9_x86-64.efi": HASH, "other.txt": "f" * 64}


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_checksums_with_a_foreign_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"line 2|ASCII"):
        sums.parse(f"{GOOD}{HASH}  {name}\n".encode())


@pytest.mark.parametrize("text", [
    "", "\n", GOOD + "\n", GOOD.rstrip("\n"), GOOD + GOOD, GOOD.upper(), GOOD.replace("  ", " "),
    GOOD.replace("  ", "   "), "\\" + GOOD, "# comment\n" + GOOD, GOOD.replace("\n", "\r\n"),
    GOOD[1:], f"{HASH}  \n", f"{HASH}\n", " " + GOOD, GOOD.replace("efi", "efi\0"),
    f"SHA256 (codex-os_0.1.9_x86-64.efi) = {HASH}\n", GOOD + "x",
])  # fmt: skip
def test_checksums_of_another_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|end"):
        sums.parse(text.encode())


def test_checksums_that_are_too_long() -> None:
    text = "".join(f"{HASH}  file{n}\n" for n in range(sums.LIMIT // 70)).encode()
    with pytest.raises(ValueError, match="longer than"):
        sums.parse(text + b"x" * sums.LIMIT)


@given(st.binary(max_size=300))
def test_checksums_end_in_a_value_or_a_value_error(content: bytes) -> None:
    try:
        found = sums.parse(content)
    except ValueError:
        return
    assert all(names.plain(name) for name in found)


def test_versions_that_are_offered() -> None:
    lines = [
        f"{HASH}  codex-os_{version}_{architecture}.{ending}\n"
        for version, architecture, ending in (
            ("0.1.9", "x86-64", "release.json"), ("0.1.10", "x86-64", "release.json"),
            ("0.1.11", "arm64", "release.json"), ("0.1.12", "x86-64", "efi"),
        )
    ]  # fmt: skip
    found = sums.parse("".join(lines).encode())
    assert sums.offered(found, "x86-64") == {"0.1.9", "0.1.10"}
    assert sums.architectures(found) == {"x86-64", "arm64"}


ROOT = releases.root_of(1)
INDEX = releases.index_of(ROOT)


def test_index() -> None:
    found = index.parse(INDEX)
    assert found.size == len(ROOT)
    assert list(found.chunks) == [
        releases.sha256(ROOT[at : at + releases.CHUNK])
        for at in range(0, len(ROOT), releases.CHUNK)
    ]
    assert found.chunk_max == releases.CHUNK


def changed(at: int, value: int) -> bytes:
    return INDEX[:at] + struct.pack("<Q", value) + INDEX[at + 8 :]


@pytest.mark.parametrize("content", [
    b"", INDEX[:-1], INDEX[:103], INDEX + b"\0", INDEX[40:], b"\0" * len(INDEX),
    changed(0, 47), changed(8, 1), changed(40, 0), changed(40, 2**40), changed(48, 1),
    changed(56, 1), changed(64, 0), changed(64, 2**63), changed(104, 1), changed(len(INDEX) - 8, 1),
    changed(len(INDEX) - 16, 1), changed(len(INDEX) - 40, 1),
])  # fmt: skip
def test_index_of_another_form(content: bytes) -> None:
    with pytest.raises(ValueError, match="it"):
        index.parse(content)


@given(st.binary(max_size=400))
def test_index_of_anything(content: bytes) -> None:
    with pytest.raises(ValueError, match="it"):
        index.parse(content)

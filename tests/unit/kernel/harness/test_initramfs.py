# SPDX-License-Identifier: Apache-2.0
"""The initramfs that is written reads back as what was given."""

import gzip
import stat

from tests.kernel.harness import initramfs
from tests.support import cpio

FILES = {
    "init": initramfs.File(b"#!/bin/sh\n", 0o755),
    "a/b/c": initramfs.File(b"abcde"),
    "a/empty": initramfs.File(b"", 0o600),
}


def test_files_folders_and_modes() -> None:
    found = {m.path: m for m in cpio.members(gzip.decompress(initramfs.pack(FILES)))}
    assert set(found) == {"init", "a", "a/b", "a/b/c", "a/empty"}
    assert found["a/b/c"].data == b"abcde"
    assert stat.S_IMODE(found["init"].mode) == 0o755
    assert stat.S_ISDIR(found["a/b"].mode)


def test_a_folder_comes_before_what_lies_in_it() -> None:
    paths = [member.path for member in cpio.members(gzip.decompress(initramfs.pack(FILES)))]
    assert paths.index("a") < paths.index("a/b") < paths.index("a/b/c")


def test_equal_input_gives_equal_bytes() -> None:
    assert initramfs.pack(FILES) == initramfs.pack(dict(reversed(FILES.items())))

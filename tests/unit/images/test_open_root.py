# SPDX-License-Identifier: Apache-2.0
"""The root is opened by the hash of the command line, with its signature under Secure Boot."""

import base64
from pathlib import Path

import pytest

from tests.unit.images.initrd import Initrd

HASH = "0123456789abcdef" * 2 + "fedcba9876543210" * 2
DATA = "by-partuuid/01234567-89ab-cdef-0123-456789abcdef"
HASH_TREE = "by-partuuid/fedcba98-7654-3210-fedc-ba9876543210"
SECURE_BOOT = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
TYPE = "41092b05-9fc8-4523-994f-2def0408b176"
SIGNATURE = b"\x30\x82a signature\0\xff"


@pytest.fixture
def initrd(tmp_path: Path) -> Initrd:
    found = Initrd(tmp_path)
    found.put("dev/mapper/root", "x" * 8192)
    found.put("partitions", "")
    found.put("cmdline", f"console=ttyS0 roothash={HASH} quiet\n")
    found.program("veritysetup", 'echo "veritysetup $*" >>"$CALLS"')
    found.program(
        "lsblk", f'case "$*" in *PKNAME*) echo vda;; *) cat {found.folder / "partitions"};; esac'
    )
    return found


def signature(initrd: Initrd, name: str, root_hash: str, blob: bytes = SIGNATURE) -> None:
    """Lay a signature as systemd-repart writes it: JSON, then zeros up to the partition's end."""
    text = base64.b64encode(blob).decode()
    content = f'{{"rootHash":"{root_hash}","certificateFingerprint":"ab","signature":"{text}"}}'
    path = initrd.folder / "dev" / name
    path.write_bytes(content.encode() + b"\0" * 512)
    with (initrd.folder / "partitions").open("a") as partitions:
        partitions.write(f"{path} {TYPE}\n")


def enforced(initrd: Initrd, content: bytes = b"\x01") -> None:
    initrd.set(SECURE_BOOT, content)


def opened(initrd: Initrd) -> list[str]:
    return [line.replace(str(initrd.folder), "") for line in initrd.lines("calls")]


def attach(*options: str) -> str:
    parts = f"/dev/disk/{DATA} /dev/disk/{HASH_TREE}"
    return " ".join([f"veritysetup attach root {parts} {HASH}", *options])


@pytest.mark.parametrize("content", [None, b"\0"])
def test_without_secure_boot_the_hash_of_the_command_line_counts(
    initrd: Initrd, content: bytes | None
) -> None:
    if content is not None:
        enforced(initrd, content)
    done = initrd.run("open-root")
    assert (done.returncode, done.stderr) == (0, "")
    assert opened(initrd) == [attach()]


def test_with_secure_boot_the_kernel_gets_the_signature_of_this_root(initrd: Initrd) -> None:
    enforced(initrd)
    signature(initrd, "vda3", "f" * 64, b"that of the other slot")
    signature(initrd, "vda6", HASH)
    done = initrd.run("open-root")
    assert (done.returncode, done.stderr) == (0, "")
    assert opened(initrd) == [attach("root-hash-signature=/codex/root.p7s")]
    assert (initrd.folder / "codex/root.p7s").read_bytes() == SIGNATURE


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 4096, b"\xff" * 300, b'{"rootHash":"'])
def test_with_secure_boot_a_root_without_signature_stays_closed(
    initrd: Initrd, content: bytes
) -> None:
    enforced(initrd)
    signature(initrd, "vda3", "f" * 64)
    path = initrd.folder / "dev/vda6"
    path.write_bytes(content)
    with (initrd.folder / "partitions").open("a") as partitions:
        partitions.write(f"{path} {TYPE}\n")
    done = initrd.run("open-root")
    assert done.returncode == 1
    assert f"holds a signature of the root hash {HASH}" in done.stderr
    assert opened(initrd) == []


@pytest.mark.parametrize("content", [b"", b"\x02", b"\xff", b"1"])
def test_firmware_that_does_not_say_whether_it_enforces_gets_no_open_root(
    initrd: Initrd, content: bytes
) -> None:
    """Taken for "no", a variable that was cut would leave the signature out."""
    enforced(initrd, content)
    done = initrd.run("open-root")
    assert done.returncode == 1
    assert "does not say whether" in done.stderr
    assert opened(initrd) == []


def test_a_variable_that_cannot_be_read_is_not_taken_for_no(initrd: Initrd) -> None:
    initrd.variable(SECURE_BOOT).mkdir()
    done = initrd.run("open-root")
    assert done.returncode == 1
    assert "does not say whether" in done.stderr
    assert opened(initrd) == []


@pytest.mark.parametrize(
    "words",
    ["quiet", "roothash=", f"roothash={HASH[1:]}", f"roothash={HASH}0", f"roothash={HASH.upper()}",
     f"xroothash={HASH}", f"roothash={HASH[:-1]}/", f"usrhash={HASH}"],
)  # fmt: skip
def test_a_command_line_without_a_hash(initrd: Initrd, words: str) -> None:
    initrd.put("cmdline", f"{words}\n")
    done = initrd.run("open-root")
    assert done.returncode == 1
    assert "names no root hash" in done.stderr
    assert opened(initrd) == []


@pytest.mark.parametrize("secure", [False, True])
def test_a_root_whose_first_block_cannot_be_read(initrd: Initrd, *, secure: bool) -> None:
    if secure:
        enforced(initrd)
        signature(initrd, "vda6", HASH)
    (initrd.folder / "dev/mapper/root").unlink()
    done = initrd.run("open-root")
    assert done.returncode == 1
    assert "the first block of the root is not what was signed" in done.stderr


@pytest.mark.parametrize("secure", [False, True])
def test_a_kernel_that_refuses(initrd: Initrd, *, secure: bool) -> None:
    if secure:
        enforced(initrd)
        signature(initrd, "vda6", HASH)
    initrd.program("veritysetup", "echo 'required key not available' >&2; exit 1")
    assert initrd.run("open-root").returncode == 1

# SPDX-License-Identifier: Apache-2.0
"""No key, no password and no identity of a host is in the image."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import cpio, secret_material, tree
from tests.support.artefacts import Artefacts

#: Files that hold private keys which everybody has: GnuTLS tests itself with keys of its sources.
PUBLISHED = ("/usr/lib/x86_64-linux-gnu/libgnutls.so.30.",)


def _all_files(
    root: Path, initrd: list[cpio.Member], esp: dict[str, Path]
) -> Iterator[tuple[str, bytes]]:
    for entry in tree.walk(root):
        if entry.is_file:
            yield entry.path, entry.real.read_bytes()
    for member in initrd:
        if member.is_file:
            yield f"initrd:/{member.path}", member.data
    for path, real in esp.items():
        yield f"esp:{path}", real.read_bytes()


def test_no_private_key_anywhere(
    root: Path, initrd: list[cpio.Member], esp: dict[str, Path]
) -> None:
    found = [
        path
        for path, data in _all_files(root, initrd, esp)
        if secret_material.holds_private_key(data)
    ]
    assert [path for path in found if not path.startswith(PUBLISHED)] == []
    assert found, "no file holds the keys that are known to be there: the search finds nothing"


def test_none_of_our_keys_anywhere_in_any_form(
    root: Path, initrd: list[cpio.Member], esp: dict[str, Path], artefacts: Artefacts
) -> None:
    keys = [*artefacts.keys.glob("*.key"), artefacts.keys / "ssh"]
    samples = secret_material.fingerprints(key for key in keys if key.is_file())
    assert {"db.key", "verity.key"} <= set(samples)
    every = [sample for pieces in samples.values() for sample in pieces]
    found = [
        path for path, data in _all_files(root, initrd, esp) if secret_material.holds(data, every)
    ]
    assert found == []


def test_raw_disk_holds_none_of_our_keys(artefacts: Artefacts) -> None:
    """Also in space that no file system shows, such as remains of a build in the ESP."""
    keys = [*artefacts.keys.glob("*.key"), artefacts.keys / "ssh"]
    samples = secret_material.fingerprints(key for key in keys if key.is_file())
    every = [sample for pieces in samples.values() for sample in pieces]
    step, overlap = 16 << 20, 128
    with artefacts.disk.open("rb") as disk:
        tail = b""
        while block := disk.read(step):
            if block.count(0) != len(block):
                assert not secret_material.holds(tail + block, every)
            tail = block[-overlap:]


def test_no_ssh_host_key(root: Path) -> None:
    assert sorted((root / "etc/ssh").glob("ssh_host_*")) == []


def test_no_authorized_keys(root: Path) -> None:
    """Keys of people come by credential or from /etc/codex, never with the image."""
    assert [e.path for e in tree.walk(root) if e.path.endswith("authorized_keys")] == []


def test_every_password_is_locked(root: Path) -> None:
    open_entries = [
        line
        for line in (root / "etc/shadow").read_text(encoding="utf-8").splitlines()
        if line.split(":")[1][:1] not in {"!", "*"}
    ]
    assert open_entries == []


def test_passwords_are_in_shadow_only(root: Path) -> None:
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        assert line.split(":")[1] == "x", line


def test_shadow_is_private(root: Path) -> None:
    for name in ("shadow", "gshadow"):
        assert (root / "etc" / name).stat().st_mode & 0o137 == 0


def test_root_alone_has_uid_0(root: Path) -> None:
    lines = (root / "etc/passwd").read_text(encoding="utf-8").splitlines()
    assert [line.split(":")[0] for line in lines if line.split(":")[2] == "0"] == ["root"]


def test_machine_id_is_not_set(root: Path) -> None:
    """Two hosts from one image would otherwise be one host to DHCP and the journal."""
    machine_id = root / "etc/machine-id"
    if machine_id.is_symlink():
        assert tree.resolve(root, "/etc/machine-id") is None
        assert "/var/" in str(machine_id.readlink())
    else:
        assert machine_id.read_text(encoding="ascii").strip() in {"", "uninitialized"}
    assert tree.resolve(root, "/var/lib/dbus/machine-id") is None


def test_no_random_seed(root: Path, esp: dict[str, Path]) -> None:
    """A seed that every host shares is worse than none."""
    assert tree.resolve(root, "/var/lib/systemd/random-seed") is None
    assert [path for path in esp if "random-seed" in path.lower()] == []


@pytest.mark.parametrize("name", ["agent", "ca", "ca.crt", "ssh"])
def test_nothing_of_the_agent_is_provisioned(root: Path, name: str) -> None:
    assert tree.resolve(root, f"/var/lib/codex/{name}") is None

# SPDX-License-Identifier: Apache-2.0
"""Snapshots of whole hosts: what they say, where from, and why something is missing."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.host.plain import lasting, plain
from tests.unit.agent import trees
from tests.unit.agent.trees import Tree

if TYPE_CHECKING:
    from codex_agent.host.model import Check, HostSnapshot


def shown(tree: Tree, **kwargs: Any) -> HostSnapshot:
    return tree.sample(**kwargs).shown(tree.clock.monotonic())


def check(host: HostSnapshot, name: str) -> Check:
    return next(entry for entry in host.verdict.checks if entry.name == name)


def nulls(value: Any, path: str = "") -> list[str]:
    """Return the dotted paths of all nulls of a plain snapshot, as `readings` names them."""
    if value is None:
        return [path]
    found = []
    if isinstance(value, dict):
        for key, entry in value.items():
            if path == "" and key in ("readings", "verdict"):
                continue
            found += nulls(entry, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            if isinstance(entry, dict):
                names = [entry.get(key) for key in ("name", "mount", "address")]
                name = next((name for name in names if name), str(place))
                found += nulls(entry, f"{path}.{name}")
    return found


def assert_complete(host: HostSnapshot) -> None:
    """Every null has a reading with a reason, every reading with a reason is a null."""
    content = plain(host)
    json.dumps(content)
    missing = set(nulls(content))
    assert {p for p, r in host.readings.items() if r.reason is not None} == missing
    for entry in host.readings.values():
        assert entry.source
        assert entry.age_ms >= 0


def test_image_with_secure_boot(tree: Tree) -> None:
    host = shown(trees.image_secure_boot(tree))
    assert_complete(host)
    assert host.verdict.state == "healthy"
    assert host.delivery == "image"
    assert host.image is not None
    assert host.image.version == "0.1.57"
    assert host.image.commit == "0a1b2c3d"
    assert host.slot == "A"
    assert host.verity.state == "active"
    assert host.verity.root_hash == trees.HASH
    assert host.verity.signed is True
    assert host.secure_boot is True
    assert host.lockdown == "integrity"
    assert host.kernel.modules_signed_enforced is True
    assert host.taken_at == "2026-11-22T09:00:00Z"
    assert host.machine.virtualization == "qemu"
    assert host.cpu.count == 2
    assert host.cpu.load == (0.1, 0.2, 0.3)
    assert host.memory.total_bytes == 2028500 * 1024
    assert host.uptime_s == 12.34


def nothing(tree: Tree) -> Tree:
    return tree


def test_the_same_shape_for_every_host(tmp_path: Path) -> None:
    kinds = [trees.image, trees.image_secure_boot, trees.mutable_host, trees.corrupted, nothing]
    keys = set()
    for number, build in enumerate(kinds):
        base = tmp_path / str(number)
        base.mkdir()
        tree = Tree(base)
        build(tree)
        keys.add(tuple(plain(shown(tree))))
    assert len(keys) == 1


def test_direct_boot_skips_secure_boot(tree: Tree) -> None:
    host = shown(trees.image(tree))
    assert host.secure_boot is None
    reading = host.readings["secure_boot"]
    assert reading.reason == "this system was not started by EFI firmware"
    assert check(host, "secure-boot").state == "skipped"
    assert host.verdict.state == "healthy"


def test_secure_boot_off_degrades_an_image(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    name = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    tree.put(f"/sys/firmware/efi/efivars/{name}", b"\x06\0\0\0\x00")
    host = shown(tree)
    assert host.secure_boot is False
    assert check(host, "secure-boot").state == "degraded"
    assert host.verdict.state == "degraded"


def test_corruption_fails_the_host(tree: Tree) -> None:
    host = shown(trees.corrupted(tree))
    assert host.verity.state == "corrupted"
    assert host.verdict.state == "failed"


def test_image_without_verity_fails(tree: Tree) -> None:
    trees.image(tree)
    trees.mountinfo(tree, "22 1 254:4 / / ro - erofs /dev/vda4 ro\n")
    host = shown(tree)
    assert host.verity.state == "inactive"
    assert host.slot is None
    assert host.verdict.state == "failed"


def test_mutable_host_is_healthy(tree: Tree) -> None:
    host = shown(trees.mutable_host(tree))
    assert_complete(host)
    assert host.delivery == "host"
    assert host.image is None
    assert host.verity.state == "inactive"
    assert host.verdict.state == "healthy"
    assert {c.state for c in host.verdict.checks} == {"ok", "skipped"}
    assert host.filesystems is not None
    assert [f.mount for f in host.filesystems] == ["/"]


def test_empty_root_is_unknown_and_complete(tree: Tree) -> None:
    host = shown(tree)
    assert_complete(host)
    assert host.verdict.state == "unknown"
    assert host.delivery is None


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 300, b"\xff\xfe garbage \x1b[31m", b"9" * 300_000]
)
def test_garbage_everywhere(tree: Tree, content: bytes) -> None:
    trees.image_secure_boot(tree)
    tree.facts = "the system bus does not run on this host"
    for folder, _, names in os.walk(tree.base):
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink():
                path.write_bytes(content)
    host = shown(tree)
    assert_complete(host)
    assert host.verdict.state in ("unknown", "degraded")
    assert host.secure_boot is None
    assert host.verity.state is None


def test_every_file_may_vanish_or_be_a_directory(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    files = [
        Path(folder) / name for folder, _, names in os.walk(tree.base) for name in sorted(names)
    ]
    assert len(files) > 50
    for path in files:
        kept = str(path.readlink()) if path.is_symlink() else path.read_bytes()
        when = path.lstat().st_mtime
        path.unlink()
        assert_complete(shown(tree))
        path.mkdir()
        assert_complete(shown(tree))
        path.rmdir()
        if isinstance(kept, str):
            path.symlink_to(kept)
        else:
            path.write_bytes(kept)
            os.utime(path, (when, when))
    assert shown(tree).verdict.state == "healthy"


def test_files_vanish_while_they_are_read(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.image_secure_boot(tree)
    real = os.open
    chance = random.Random(7)

    def open_or_not(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).startswith(str(tree.base)) and chance.random() < 0.3:
            raise FileNotFoundError(2, "gone")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", open_or_not)
    for _ in range(50):
        assert_complete(shown(tree))


def test_failed_units_degrade_and_are_named(tree: Tree) -> None:
    host = shown(trees.failing(trees.image_secure_boot(tree), "a.service", "b.mount"))
    assert host.units.failed == ["a.service", "b.mount"]
    assert host.verdict.state == "degraded"
    assert "a.service, b.mount" in check(host, "failed-units").message


def test_unreachable_systemd_is_not_healthy(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    tree.facts = "the system bus does not run on this host"
    host = shown(tree)
    assert host.units.failed is None
    assert host.verdict.state == "unknown"


def test_age_grows_until_shown(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    sample = tree.sample()
    tree.clock.passed += 1.5
    host = sample.shown(tree.clock.monotonic())
    assert host.readings["uptime_s"].age_ms == 1500
    assert host.readings["verity.state"].age_ms == 4500


def test_time_alone_is_no_change(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    first = lasting(plain(shown(tree)))
    tree.clock.passed += 10
    tree.put("/proc/uptime", "22.34 1.00\n")
    assert lasting(plain(shown(tree))) == first
    tree.put("/proc/loadavg", "0.90 0.20 0.30 1/100 4242\n")
    assert lasting(plain(shown(tree))) != first

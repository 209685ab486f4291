# SPDX-License-Identifier: Apache-2.0
"""Folders of releases, as a server or a disk offers them; small, and true in every hash."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import subprocess
from typing import TYPE_CHECKING, Any

from codex_agent.update import names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.update.keys import Keys

CHUNK = 4096
ARCHITECTURE = "x86-64"


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def root_of(seed: int, chunks: int = 64) -> bytes:
    """A root whose chunks all differ; another seed changes three of them."""
    content = bytearray(noise(chunks * CHUNK, 0))
    for place in (3, 20, 41):
        content[place * CHUNK : (place + 1) * CHUNK] = noise(CHUNK, seed * 100 + place)
    return bytes(content)


def uki_of(seed: int, chunks: int = 8) -> bytes:
    """A UKI whose chunks all differ, and from those of a root; another seed changes one."""
    content = bytearray(noise(chunks * CHUNK - 500, 9000))
    content[5 * CHUNK : 6 * CHUNK] = noise(CHUNK, 9001 + seed)
    return bytes(content)


def reset_of(seed: int) -> bytes:
    """The entry for a reset: that UKI but for its first chunk, where its words are."""
    return noise(CHUNK, 9500 + seed) + uki_of(seed)[CHUNK:]


def pieces(root: bytes) -> dict[str, bytes]:
    parts = (root[at : at + CHUNK] for at in range(0, len(root), CHUNK))
    return {sha256(part): part for part in parts}


def index_of(root: bytes) -> bytes:
    """The index of a file in chunks of one size, in casync's format."""
    head = struct.pack("<6Q", 48, 0x96824D9C7B129FF9, 0, CHUNK, CHUNK, CHUNK)
    items = b"".join(
        struct.pack("<Q32s", min(at + CHUNK, len(root)),
                    hashlib.sha256(root[at : at + CHUNK]).digest())
        for at in range(0, len(root), CHUNK)
    )  # fmt: skip
    table = struct.pack("<2Q", 2**64 - 1, 0xE75B9E112F17417D)
    size = len(table) + len(items) + 40
    return head + table + items + struct.pack("<5Q", 0, 0, 48, size, 0x4B4F050E5549ECD1)


def compressed(content: bytes) -> bytes:
    done = subprocess.run(["zstd", "-q", "-c"], input=content, capture_output=True, check=True)
    return done.stdout


def uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def manifest_of(packages: dict[str, str]) -> bytes:
    entries = [{"type": "deb", "name": n, "version": v} for n, v in packages.items()]
    return json.dumps({"manifest_version": 1, "packages": entries}).encode()


class Folder:
    """A folder of releases, signed by a key; ``describe`` may be changed before ``publish``."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path = path
        self.keys = keys
        path.mkdir(parents=True, exist_ok=True)
        self.unserved: dict[str, str] = {}

    def add(
        self,
        version: str,
        *,
        seed: int = 1,
        index: bool = True,
        uki_index: bool = True,
        reset_index: bool = True,
        architecture: str = ARCHITECTURE,
        **changes: Any,
    ) -> dict[str, Any]:
        """Add a release; ``changes`` replace keys of its description."""  # fmt: skip
        root, verity = root_of(seed), noise(9000, seed + 1)
        root_hash = sha256(root)
        contents: dict[names.Role, tuple[bytes, bytes | None]] = {
            "root": (compressed(root), root),
            "verity": (verity, None),
            "signature": (noise(2000, seed + 2), None),
            "uki": (uki_of(seed), None),
            "reset": (reset_of(seed), None),
            "manifest": (manifest_of({"base": "1", "openssl": f"3.{seed}"}), None),
        }
        if index:
            contents["root-index"] = (self.cut(root), None)
        if uki_index:
            contents["uki-index"] = (self.cut(uki_of(seed)), None)
        if reset_index:
            contents["reset-index"] = (self.cut(reset_of(seed)), None)
        files = []
        for role, (content, inside) in contents.items():
            name = names.of(version, architecture, names.ENDINGS[role])
            (self.path / name).write_bytes(content)
            files.append({
                "name": name, "role": role, "bytes": len(content), "sha256": sha256(content),
                "unpacked_bytes": None if inside is None else len(inside),
                "unpacked_sha256": None if inside is None else sha256(inside),
            })  # fmt: skip
        self.unserved[names.of(version, architecture, names.UNPACKED_ROOT)] = sha256(root)
        described = {
            "schema": 1, "image": "codex-os", "version": version, "architecture": architecture,
            "flavour": "general", "built_at": "2026-11-22T09:00:00+00:00", "kernel": "7.3.4-amd64",
            "root_hash": root_hash, "minimum_from": None, "files": files,
            "uuids": {"root": uuid(root_hash[:32]), "verity": uuid(root_hash[32:]),
                      "signature": uuid(sha256(b"signature")[:32])},
            **changes,
        }  # fmt: skip
        self.describe(version, described, architecture)
        return described

    def cut(self, content: bytes) -> bytes:
        """Lay the chunks of a file into the store; return its index."""
        for identifier, part in pieces(content).items():
            place = self.path / names.chunk(identifier)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(part)
        return index_of(content)

    def describe(self, version: str, described: Any, architecture: str = ARCHITECTURE) -> None:
        name = names.of(version, architecture, names.RELEASE)
        text = described if isinstance(described, bytes) else json.dumps(described).encode()
        (self.path / name).write_bytes(text)
        self.publish()

    def remove(self, version: str) -> None:
        for path in self.path.glob(f"codex-os_{version}_*"):
            path.unlink()
        self.unserved = {n: h for n, h in self.unserved.items() if f"_{version}_" not in n}
        self.publish()

    def publish(self, key: str = "ours", *, sums: bytes | None = None) -> None:
        """Write the checksums of all that is there, and their signature."""
        listed = {p.name: sha256(p.read_bytes()) for p in self.path.glob("codex-os_*")}
        lines = sorted((n, h) for n, h in {**listed, **self.unserved}.items())
        content = sums or "".join(f"{digest}  {name}\n" for name, digest in lines).encode()
        (self.path / names.SUMS).write_bytes(content)
        (self.path / names.SIGNATURE).write_bytes(self.keys.sign(content, key))

# SPDX-License-Identifier: Apache-2.0
"""release.json: what one version is made of. Read strictly: it is signed, so a fault is a fault."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from codex_agent.update import names, versions

if TYPE_CHECKING:
    from codex_agent.update.names import Role

SCHEMA = 1
LIMIT = 64 * 1024  # bytes
# No file of a release is larger; it keeps sums of sizes far from what a disk or counter can hold.
LARGEST = 64 * 1024**3

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}", re.ASCII)
_KEYS = {
    "schema", "image", "version", "architecture", "flavour", "built_at", "kernel", "root_hash",
    "uuids", "minimum_from", "files",
}  # fmt: skip
_UUIDS = {"root", "verity", "signature"}


@dataclass(frozen=True, slots=True)
class File:
    """One file; the unpacked figures are those of what is inside a compressed one."""

    name: str
    role: Role
    bytes: int
    sha256: str
    unpacked_bytes: int | None
    unpacked_sha256: str | None


@dataclass(frozen=True, slots=True)
class Release:
    """One version; ``uuids`` are those that its partitions get, by the role of the partition."""

    version: str
    architecture: str
    flavour: str
    built_at: str
    kernel: str
    root_hash: str
    uuids: dict[str, str]
    minimum_from: str | None
    files: dict[Role, File]

    def name(self, ending: str) -> str:
        """Return the name of a file of this release."""
        return names.of(self.version, self.architecture, ending)

    @property
    def root_bytes(self) -> int:
        """Size of the root as it will lie in its partition."""
        return self.files["root"].unpacked_bytes or 0

    @property
    def root_sha256(self) -> str:
        """Hash of the root as it will lie in its partition."""
        return self.files["root"].unpacked_sha256 or ""


def parse(content: bytes) -> Release:
    """Return the release that a file describes; raises ``ValueError`` with a clause that says why.

    An unknown schema is refused: what cannot be read whole cannot be judged.
    """
    if len(content) > LIMIT:
        raise ValueError(f"it is longer than {LIMIT} bytes")
    try:
        data = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    data = _object(data, "it")
    schema = data.get("schema")
    if not _is_int(schema) or schema != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}, the one that this version knows")
    _same_keys(data, _KEYS, "it")
    if data["image"] != names.IMAGE:
        raise ValueError(f"it is not a release of {names.IMAGE}")
    version = _version(data["version"], "version")
    architecture = _matching(data["architecture"], "architecture")
    minimum = data["minimum_from"]
    release = Release(
        version=version,
        architecture=architecture,
        flavour=_matching(data["flavour"], "flavour"),
        built_at=_moment(data["built_at"]),
        kernel=_matching(data["kernel"], "kernel"),
        root_hash=_matching(data["root_hash"], "root_hash", _DIGEST),
        uuids=_uuids(data["uuids"]),
        minimum_from=None if minimum is None else _version(minimum, "minimum_from"),
        files=_files(data["files"], version, architecture),
    )
    _belong(release)
    return release


def _belong(release: Release) -> None:
    """Check that the partitions are those that the initrd will look for by this root hash."""
    halves = (release.root_hash[:32], release.root_hash[32:])
    for role, half in zip(("root", "verity"), halves, strict=True):
        if release.uuids[role].replace("-", "") != half:
            raise ValueError(f"the UUID of {role} does not belong to its root hash")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004 - content, not a call
    return value


def _same_keys(data: dict[str, Any], wanted: set[str], what: str) -> None:
    missing, more = sorted(wanted - data.keys()), sorted(data.keys() - wanted)
    if missing:
        raise ValueError(f"{what} lacks {missing[0]}")
    if more:
        raise ValueError(f"{what} has the unknown key {more[0][:64]!r}")


def _matching(value: object, what: str, pattern: re.Pattern[str] = _WORD) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ValueError(f"its {what} is not one of the allowed form")
    return value


def _version(value: object, what: str) -> str:
    if not isinstance(value, str) or not versions.valid(value):
        raise ValueError(f"its {what} is not a version")
    return value


def _moment(value: object) -> str:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError("its built_at is not a time with a zone")
    return cast("str", value)


def _uuids(value: object) -> dict[str, str]:
    found = _object(value, "its uuids")
    _same_keys(found, _UUIDS, "its uuids")
    return {name: _matching(found[name], f"UUID of {name}", _UUID) for name in sorted(_UUIDS)}


def _size(value: object, what: str) -> int:
    if not _is_int(value) or not 0 < cast("int", value) <= LARGEST:
        raise ValueError(f"{what} is not a number of bytes from 1 to {LARGEST}")
    return cast("int", value)


def _files(value: object, version: str, architecture: str) -> dict[Role, File]:
    if not isinstance(value, list):
        raise ValueError("its files are not a list")  # noqa: TRY004 - content, not a call
    found: dict[Role, File] = {}
    for entry in value:
        file = _file(entry, version, architecture)
        if file.role in found:
            raise ValueError(f"the role {file.role} is there twice")
        found[file.role] = file
    missing = sorted(names.NEEDED - found.keys())
    if missing:
        raise ValueError(f"no file has the role {missing[0]}")
    return found


def _file(value: object, version: str, architecture: str) -> File:
    entry = _object(value, "an entry of its files")
    wanted = {"name", "role", "bytes", "sha256", "unpacked_bytes", "unpacked_sha256"}
    _same_keys(entry, wanted, "an entry of its files")
    role = entry["role"]
    if not isinstance(role, str) or role not in names.ROLES:
        raise ValueError("an entry of its files has an unknown role")
    known: Role = role
    name = entry["name"]
    # A name has one possible value: there is nothing to choose, and so nothing to trick with.
    if name != names.of(version, architecture, names.ENDINGS[known]):
        raise ValueError(f"the file of the role {role} has another name than it must have")
    size, digest = entry["unpacked_bytes"], entry["unpacked_sha256"]
    packed = known in names.PACKED
    if not packed and (size is not None or digest is not None):
        raise ValueError(f"{name} is not compressed and has unpacked figures")
    return File(
        name=name,
        role=known,
        bytes=_size(entry["bytes"], f"the size of {name}"),
        sha256=_matching(entry["sha256"], f"hash of {name}", _DIGEST),
        unpacked_bytes=_size(size, f"the unpacked size of {name}") if packed else None,
        unpacked_sha256=_matching(digest, f"unpacked hash of {name}", _DIGEST) if packed else None,
    )

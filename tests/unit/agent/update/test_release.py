# SPDX-License-Identifier: Apache-2.0
"""release.json is read strictly: every wrong type, number, name and key is refused."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.update import release

if TYPE_CHECKING:
    from tests.unit.agent.update.releases import Folder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.fixture
def good(folder: Folder) -> dict[str, Any]:
    return folder.add("0.1.11")


def parse(data: object) -> release.Release:
    return release.parse(json.dumps(data).encode())


def refused(data: object) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        parse(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_good(good: dict[str, Any]) -> None:
    found = parse(good)
    assert (found.version, found.architecture, found.flavour) == ("0.1.11", "x86-64", "general")
    assert found.files["root"].unpacked_bytes == found.root_bytes == 64 * 4096
    assert found.files["uki"].unpacked_bytes is None
    assert found.name("efi") == "codex-os_0.1.11_x86-64.efi"


@pytest.mark.parametrize("schema", [0, 2, 99, -1, "1", 1.0, True, None, [1]])
def test_unknown_schema(good: dict[str, Any], schema: object) -> None:
    assert "schema" in refused({**good, "schema": schema})


@pytest.mark.parametrize("key", [
    "schema", "image", "version", "architecture", "flavour", "built_at", "kernel", "root_hash",
    "uuids", "minimum_from", "files",
])  # fmt: skip
def test_a_missing_key(good: dict[str, Any], key: str) -> None:
    refused({name: value for name, value in good.items() if name != key})


def test_an_unknown_key(good: dict[str, Any]) -> None:
    assert "unknown key" in refused({**good, "more": 1})
    good["files"][0]["url"] = "https://elsewhere"
    assert "unknown key" in refused(good)


@pytest.mark.parametrize(("key", "value"), [
    ("image", "other-os"), ("image", None), ("version", "../1"), ("version", 1), ("version", "v1"),
    ("architecture", "x86_64/"), ("architecture", []), ("flavour", ""), ("flavour", "a b"),
    ("flavour", "a" * 65), ("built_at", "yesterday"), ("built_at", "2026-11-22T09:00:00"),
    ("built_at", 5), ("kernel", "7.3\n"), ("kernel", None), ("root_hash", "0" * 63),
    ("root_hash", "G" * 64), ("minimum_from", "x"), ("minimum_from", 1), ("files", {}),
    ("files", []), ("files", [None]), ("files", "x"), ("uuids", []), ("uuids", {"root": "x"}),
])  # fmt: skip
def test_wrong_values(good: dict[str, Any], key: str, value: object) -> None:
    refused({**good, key: value})


@pytest.mark.parametrize("size", [
    -1, 0, 2**63, 10**400, release.LARGEST + 1, 1.5, 1e3, "100", None, True, [1],
])  # fmt: skip
def test_sizes(good: dict[str, Any], size: object) -> None:
    for key in ("bytes", "unpacked_bytes"):
        bad = copy.deepcopy(good)
        bad["files"][0][key] = size
        assert "number of bytes" in refused(bad)


@pytest.mark.parametrize("name", [
    "../codex-os_0.1.11_x86-64.efi", "/etc/passwd", "codex-os_0.1.12_x86-64.root.raw.zst",
    "codex-os_0.1.11_x86-64.efi", "", None, "a" * 9999, "x\0", "x\n",
])  # fmt: skip
def test_names(good: dict[str, Any], name: object) -> None:
    good["files"][0]["name"] = name
    assert "another name" in refused(good)


def test_roles(good: dict[str, Any]) -> None:
    twice = copy.deepcopy(good)
    twice["files"].append(twice["files"][0])
    assert "twice" in refused(twice)
    for role in ("shell", None, 1, ["root"]):
        bad = copy.deepcopy(good)
        bad["files"][0]["role"] = role
        assert "unknown role" in refused(bad)
    for missing in ("root", "verity", "signature", "uki"):
        files = [file for file in good["files"] if file["role"] != missing]
        assert missing in refused({**good, "files": files})


def test_unpacked_figures(good: dict[str, Any]) -> None:
    bad = copy.deepcopy(good)
    uki = next(file for file in bad["files"] if file["role"] == "uki")
    uki["unpacked_bytes"] = 5
    assert "not compressed" in refused(bad)
    bad = copy.deepcopy(good)
    bad["files"][0]["unpacked_sha256"] = None
    assert "unpacked hash" in refused(bad)


def test_partitions_belong_to_the_root_hash(good: dict[str, Any]) -> None:
    for role in ("root", "verity"):
        bad = copy.deepcopy(good)
        bad["uuids"][role] = "0" * 8 + bad["uuids"][role][8:]
        assert "does not belong" in refused(bad)


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b"{}" * 2,
    b'{"schema":1,"schema":1}',
    b'{"schema":NaN}', b'{"schema":Infinity}', b" " * (release.LIMIT + 1),
])  # fmt: skip
def test_what_is_no_object(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"it|key|number"):
        release.parse(content)


@given(st.sampled_from(["version", "files", "uuids", "root_hash", "schema", "built_at"]), JSON)
def test_anything_ends_in_a_value_error(key: str, value: object) -> None:
    base = {"schema": 1, "image": "codex-os", "version": "1", "architecture": "x86-64",
            "flavour": "g", "built_at": "2026-11-22T09:00:00Z", "kernel": "7", "minimum_from": None,
            "root_hash": "0" * 64, "uuids": {}, "files": []}  # fmt: skip
    with pytest.raises(ValueError, match=r"."):
        parse({**base, key: value})

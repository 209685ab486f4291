# SPDX-License-Identifier: Apache-2.0
"""The recorder's plugin, called as nbdkit calls it; a stand-in takes the place of its module."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import write_log
from tests.support.write_log import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "tests.support.recorder_plugin"
MAY_TRIM, FUA = 1, 2


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The plugin with the constants of nbdkit-plugin.h, configured."""
    constants = {
        "THREAD_MODEL_SERIALIZE_ALL_REQUESTS": 1,
        "FUA_NATIVE": 2,
        "FLAG_MAY_TRIM": MAY_TRIM,
        "FLAG_FUA": FUA,
    }
    monkeypatch.setitem(sys.modules, "nbdkit", SimpleNamespace(**constants))
    found = importlib.import_module(NAME)
    (tmp_path / "disk").write_bytes(b"-" * 4096)
    found.config("disk", str(tmp_path / "disk"))
    found.config("log", str(tmp_path / "log"))
    found.config_complete()
    yield found
    del sys.modules[NAME]


@pytest.fixture
def served(plugin: ModuleType) -> Iterator[Any]:
    handle = plugin.open(False)
    yield handle
    plugin.close(handle)


def _read(plugin: ModuleType, served: Any, offset: int, size: int) -> bytes:
    buffer = bytearray(size)
    plugin.pread(served, buffer, offset, 0)
    return bytes(buffer)


def test_every_change_is_on_the_disk_and_in_the_log(
    plugin: ModuleType, served: Any, tmp_path: Path
) -> None:
    plugin.pwrite(served, bytearray(b"a" * 1024), 512, 0)
    plugin.flush(served, 0)
    plugin.pwrite(served, bytearray(b"b" * 512), 1024, FUA)
    plugin.zero(served, 512, 2048, MAY_TRIM | FUA)
    plugin.trim(served, 512, 3072, 0)
    assert plugin.get_size(served) == 4096
    wanted = b"-" + b"ab" + b"-" + b"\0" + b"-" + b"\0" + b"-"
    assert _read(plugin, served, 0, 4096)[::512] == wanted
    assert (tmp_path / "disk").read_bytes()[::512] == wanted
    writes = write_log.read(tmp_path / "log")
    assert [(w.kind, w.offset, w.size, w.forced) for w in writes] == [
        (Kind.WRITE, 512, 1024, False), (Kind.FLUSH, 0, 0, False), (Kind.WRITE, 1024, 512, True),
        (Kind.ZERO, 2048, 512, True), (Kind.ZERO, 3072, 512, False),
    ]  # fmt: skip
    content = (tmp_path / "log").read_bytes()
    assert content[writes[2].data :].startswith(b"b" * 512)


def test_reading_is_not_logged(plugin: ModuleType, served: Any, tmp_path: Path) -> None:
    assert _read(plugin, served, 0, 512) == b"-" * 512
    assert (tmp_path / "log").read_bytes() == b""


def test_a_later_connection_goes_on_with_the_log(plugin: ModuleType, tmp_path: Path) -> None:
    for _ in range(2):
        handle = plugin.open(False)
        plugin.flush(handle, 0)
        plugin.close(handle)
    assert len(write_log.read(tmp_path / "log")) == 2


def test_what_did_not_get_to_the_disk_is_not_logged(
    plugin: ModuleType, served: Any, tmp_path: Path
) -> None:
    broken = plugin.Served(-1, served.log)
    with pytest.raises(OSError, match="Bad file"):
        plugin.pwrite(broken, bytearray(b"a" * 512), 0, 0)
    with pytest.raises(OSError, match="Bad file"):
        plugin.zero(broken, 512, 0, 0)
    assert (tmp_path / "log").read_bytes() == b""


def test_one_request_at_a_time_that_may_be_forced(plugin: ModuleType, served: Any) -> None:
    assert plugin.API_VERSION == 2
    assert plugin.thread_model() == 1
    assert plugin.can_fua(served) == 2
    assert not plugin.can_multi_conn(served)
    smallest, preferred, largest = plugin.block_size(served)
    assert smallest == 512
    assert preferred % smallest == largest % smallest == 0


def test_arguments_that_are_wrong_or_missing(plugin: ModuleType) -> None:
    with pytest.raises(ValueError, match="no argument is called disc"):
        plugin.config("disc", "x")
    plugin.config("disk", "/none")
    with pytest.raises(FileNotFoundError, match="there is no file /none"):
        plugin.config_complete()
    plugin._given.pop("log")
    with pytest.raises(ValueError, match="are needed"):
        plugin.config_complete()

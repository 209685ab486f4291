# SPDX-License-Identifier: Apache-2.0
"""Keys for the whole run, and for each test a folder of releases and a host."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from codex_agent.config.update import Loaded
from codex_agent.update.http import Http
from tests.support.versions.server import Server, serving
from tests.unit.agent.update import keys as making
from tests.unit.agent.update.asking import Asking
from tests.unit.agent.update.fetching import CONTENT, NAME, SOON_S
from tests.unit.agent.update.hosts import Host, policy
from tests.unit.agent.update.releases import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.agent.update.keys import Keys


@pytest.fixture(scope="session")
def keys() -> Iterator[Keys]:
    with making.made() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path, keys: Keys) -> Folder:
    return Folder(tmp_path / "releases", keys)


@pytest.fixture
def machine(tmp_path: Path, keys: Keys) -> Host:
    return Host(tmp_path / "machine", keys)


@pytest.fixture
def server(folder: Folder) -> Iterator[Server]:
    with serving(folder.path) as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "offered"
    path.mkdir()
    (path / NAME).write_bytes(CONTENT)
    return path


@pytest.fixture
def lab(place: Path) -> Iterator[Server]:
    with serving(place) as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


@pytest.fixture
def opened(lab: Server) -> Iterator[Http]:
    source = Http(lab.url, allow_http=True)
    yield source
    source.close()


@pytest.fixture
def hasty(lab: Server) -> Iterator[Http]:
    """For what never comes: nothing is lost when it is not waited for."""
    source = Http(lab.url, allow_http=True, timeout_s=SOON_S)
    yield source
    source.close()


@pytest.fixture
def door(machine: Host, folder: Folder) -> Callable[..., Asking]:
    """Ask the machine, whose source is the folder."""

    def ask(request: object, *, closed: bool = True, **changes: object) -> Asking:
        changes = {"source": str(folder.path), **changes}
        asking = Asking(machine, Loaded(policy(**changes), {}, []))
        content = request if isinstance(request, bytes) else json.dumps(request).encode()
        asking.client.sendall(content)
        if closed:
            asking.client.shutdown(socket.SHUT_WR)
        return asking

    return ask

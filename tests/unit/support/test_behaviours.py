# SPDX-License-Identifier: Apache-2.0
"""The server that lies, seen by a client that believes everything."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.versions import behaviours
from tests.support.versions.server import Server, authority, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.versions.server import Behaviour

CONTENT = bytes(range(256)) * 2000
NAME = "a.bin"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    (folder / "store").mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT)
    (folder / "store/chunk").write_bytes(b"chunk")
    return folder


@pytest.fixture
def server(place: Path) -> Iterator[Server]:
    with serving(place) as found:
        yield found


def _ask(
    server: Server, name: str = NAME, *, start: int = 0, timeout_s: float = 20
) -> tuple[http.client.HTTPResponse, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=timeout_s)
    try:
        line.request("GET", f"/{name}", headers={"Range": f"bytes={start}-"} if start else {})
        answer = line.getresponse()
        return answer, answer.read()
    finally:
        line.close()


def _answering() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "process_request" in thread.name]


def test_honest_and_counted(server: Server) -> None:
    assert _ask(server)[1] == CONTENT
    answer, rest = _ask(server, start=1000)
    assert (answer.status, rest) == (206, CONTENT[1000:])
    assert server.sent[NAME] == 2 * len(CONTENT) - 1000
    assert server.guest_url == f"http://10.0.2.2:{server.server_port}"
    assert _ask(server, "nothing")[0].status == 404


def test_patterns_and_names(server: Server) -> None:
    server.behaviours["store/*"] = behaviours.refuses(503)
    assert _ask(server, "store/chunk")[0].status == 503
    server.behaviours["store/chunk"] = behaviours.honest
    assert _ask(server, "store/chunk")[1] == b"chunk"
    assert _ask(server)[0].status == 200


def test_stops_and_goes_on(server: Server) -> None:
    server.behaviours[NAME] = behaviours.first(1, behaviours.stops(5000))
    with pytest.raises(http.client.IncompleteRead) as caught:
        _ask(server)
    assert caught.value.partial == CONTENT[:5000]
    assert server.sent[NAME] == 5000
    assert _ask(server, start=5000)[1] == CONTENT[5000:]


def test_stops_within_the_rest(server: Server) -> None:
    server.behaviours[NAME] = behaviours.stops(10)
    with pytest.raises(http.client.IncompleteRead) as caught:
        _ask(server, start=7)
    assert caught.value.partial == CONTENT[7:17]


def test_resets(server: Server) -> None:
    server.behaviours[NAME] = behaviours.resets(0)
    with pytest.raises(ConnectionResetError):
        _ask(server)


def test_slow(server: Server) -> None:
    server.behaviours[NAME] = behaviours.slow(len(CONTENT))
    start = time.monotonic()
    assert _ask(server)[1] == CONTENT
    assert time.monotonic() - start > 0.5


@pytest.mark.parametrize("behaviour", [behaviours.slow(1), behaviours.silent])
def test_who_leaves_is_noticed(server: Server, behaviour: Behaviour) -> None:
    """Nothing is sent to one who has left, and no thread waits for it."""
    server.behaviours[NAME] = behaviour
    with pytest.raises(TimeoutError):
        _ask(server, timeout_s=0.3)
    assert behaviours.wait_for(lambda: not _answering(), 20)
    assert server.sent[NAME] < len(CONTENT)


@pytest.mark.parametrize("change", [5, -5])
def test_lies_about_length(server: Server, change: int) -> None:
    server.behaviours[NAME] = behaviours.lies_about_length(change)
    if change < 0:
        answer, content = _ask(server)
        assert content == CONTENT[:change]
        assert answer.headers["Content-Length"] == str(len(CONTENT) + change)
    else:
        with pytest.raises(http.client.IncompleteRead):
            _ask(server)


def test_other_content(server: Server, place: Path) -> None:
    server.behaviours[NAME] = behaviours.alters(lambda content: content[:-1])
    assert _ask(server)[1] == CONTENT[:-1]
    server.behaviours[NAME] = behaviours.replays(b"old")
    (place / NAME).write_bytes(b"new")
    assert _ask(server)[1] == b"old"


def test_redirects(server: Server) -> None:
    server.behaviours[NAME] = behaviours.redirects("http://elsewhere.example/x")
    answer, _ = _ask(server)
    assert (answer.status, answer.headers["Location"]) == (302, "http://elsewhere.example/x")


def test_names_outside_are_not_served(server: Server, place: Path) -> None:
    (place.parent / "secret").write_bytes(b"secret")
    for name in ("../secret", "store/../../secret", "/etc/passwd"):
        assert _ask(server, name)[0].status == 404


def test_tls_breaks_as_well(place: Path, tmp_path: Path) -> None:
    context, certificate = authority(tmp_path, "127.0.0.1")
    with serving(place, context) as server:
        trust = ssl.create_default_context(cafile=str(certificate))
        for behaviour in (behaviours.honest, behaviours.resets(3)):
            server.behaviours[NAME] = behaviour
            line = http.client.HTTPSConnection(
                "127.0.0.1", server.server_port, context=trust, timeout=20
            )
            line.request("GET", f"/{NAME}")
            if behaviour is behaviours.honest:
                assert line.getresponse().read() == CONTENT
            else:
                with pytest.raises((OSError, http.client.HTTPException)):
                    line.getresponse().read()
            line.close()

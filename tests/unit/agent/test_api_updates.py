# SPDX-License-Identifier: Apache-2.0
"""Updates over the interface: how they stand, what may be asked for, and a door that misbehaves."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.api import door
from codex_agent.update.known import DOOR, PLACE
from tests.unit.agent import trees
from tests.unit.agent.running import WAIT_S, Running, running
from tests.unit.agent.test_api import error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.agent.trees import Tree

ACCEPTED = {
    "accepted": True, "kind": "accepted", "message": "It begins.", "hint": None, "exit_code": 0,
}  # fmt: skip
REFUSED = {
    "accepted": False, "kind": "not_blessed", "message": "Not yet.", "hint": "Wait.",
    "exit_code": 25,
}  # fmt: skip


def document(now: float, **changes: Any) -> dict[str, Any]:
    """What root writes down, at ``now`` of the host's clock."""
    return {
        "schema": 1, "written_at": "2026-11-22T09:00:00+00:00", "monotonic_s": now,
        "standing": {
            "monotonic_s": now, "running": "0.1.57", "boot": "blessed", "boot_reason": None,
            "versions": [], "begun": None, "offered": None, "checked_at": None, "given_up": {},
            "policy": {"mode": "notify", "source": None, "window": None, "page": True,
                       "drains": False},
            "problems": [],
        },
        "work": None, "ended": None, "offered": None, **changes,
    }  # fmt: skip


def write(tree: Tree, **changes: Any) -> None:
    tree.put(PLACE, json.dumps(document(tree.clock.monotonic(), **changes)))


@dataclass
class Root:
    """Stands behind the door; ``answer`` is what it says, ``heard`` what it was asked for."""

    answer: bytes = json.dumps(ACCEPTED).encode() + b"\n"
    heard: list[bytes] = field(default_factory=list)
    hold: threading.Event | None = None
    listening: threading.Event = field(default_factory=threading.Event)


@contextmanager
def behind(path: Path, root: Root) -> Iterator[Root]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(WAIT_S)
                    root.heard.append(connection.recv(4096))
                    root.listening.set()
                    if root.hold is not None:
                        root.hold.wait(WAIT_S)
                    # Who did not wait is gone.
                    with suppress(BrokenPipeError):
                        connection.sendall(root.answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield root
        finally:
            over.set()
            thread.join()


@pytest.fixture
def live(tree: Tree, tmp_path: Path) -> Iterator[Running]:
    trees.image_secure_boot(tree)
    tree.put("/usr/lib/sysupdate.d/10-root.transfer", "")
    write(tree)
    with running(tree, tmp_path, interval_s=0.05) as found:
        yield found


@pytest.fixture
def root(live: Running) -> Iterator[Root]:
    # A path of a socket may have 107 bytes only; a test that has a longer one would say so here.
    with behind(live.tree.base / DOOR.lstrip("/"), Root()) as found:
        yield found


def post(live: Running, body: Any, **headers: str) -> Any:
    with live.client(headers={**live.bearer, **headers}) as client:
        if isinstance(body, bytes):
            return client.post("/api/updates", content=body)
        return client.post("/api/updates", json=body)


def test_how_they_stand(live: Running, root: Root) -> None:
    with live.client(headers=live.bearer) as client:
        data = client.get("/api/updates").json()["data"]
    assert data["known"]["standing"]["running"] == "0.1.57"
    assert (data["reason"], data["silent"], data["closed"]) == (None, False, None)
    assert data["source"] == PLACE
    assert root.heard == []


def test_what_is_not_known_has_its_reason(live: Running) -> None:
    live.tree.put(PLACE, "{}")
    with live.client(headers=live.bearer) as client:
        data = client.get("/api/updates").json()["data"]
    assert data["known"] is None
    assert "unexpected content" in data["reason"]
    assert "codex-update-request.socket" in data["closed"]


@pytest.mark.parametrize("body", [
    {"action": "check"}, {"action": "apply", "version": "0.1.58"},
    {"action": "rollback", "version": "0.1.56"}, {"action": "restart", "version": "0.1.58"},
])  # fmt: skip
def test_what_is_asked_reaches_root(live: Running, root: Root, body: dict[str, str]) -> None:
    response = post(live, body)
    assert response.status_code == 202, response.text
    assert response.json()["data"] == ACCEPTED
    assert [json.loads(entry) for entry in root.heard] == [body]


def test_a_refusal_is_roots_own(live: Running, root: Root) -> None:
    root.answer = json.dumps(REFUSED).encode() + b"\n"
    found = error(post(live, {"action": "apply", "version": "0.1.58"}), 409, "not_blessed")
    assert (found["message"], found["hint"]) == ("Not yet.", "Wait.")


@pytest.mark.parametrize("body", [
    {}, [], "check", {"action": "status"}, {"action": "apply"}, {"action": "check", "version": "1"},
    {"action": "apply", "version": "../x"}, {"action": "apply", "version": "1" * 65},
    {"action": "apply", "version": 1}, {"action": "apply", "version": "0.1.58\n"},
    {"action": "apply", "version": "0.1.58", "source": "https://evil.example"},
    {"action": "apply", "version": "0.1.58", "allow_older": True},
])  # fmt: skip
def test_what_does_not_fit_never_reaches_root(live: Running, root: Root, body: Any) -> None:
    error(post(live, body), 422, "invalid")
    assert root.heard == []


def test_no_json(live: Running, root: Root) -> None:
    error(post(live, b"{", **{"Content-Type": "application/json"}), 400, "bad_json")
    assert root.heard == []


def test_who_may_not_ask(live: Running, root: Root) -> None:
    body = {"action": "check"}
    with live.client() as client:
        error(client.post("/api/updates", json=body), 401, "unauthorized")
        error(client.get("/api/updates"), 401, "unauthorized")
    found = post(live, body, Origin="https://evil.example")
    error(found, 403, "foreign_origin")
    assert root.heard == []


def test_a_form_of_a_foreign_page_is_no_request(live: Running, root: Root) -> None:
    """Browsers send these without asking first; a cookie would come along from the same site."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = post(live, b'{"action": "check"}', **{"Content-Type": kind})
        assert response.status_code == 422
    assert root.heard == []


@pytest.mark.parametrize("answer", [
    b"", b"\n", b"{}\n", b"not JSON\n", b"[" * 9000 + b"\n", b"x" * 9000, b"\xff\n",
    json.dumps({**ACCEPTED, "more": 1}).encode() + b"\n",
    json.dumps({**ACCEPTED, "accepted": 1}).encode() + b"\n",
    json.dumps({**ACCEPTED, "message": "a\x1b[2J"}).encode() + b"\n",
])  # fmt: skip
def test_a_door_that_answers_badly(live: Running, root: Root, answer: bytes) -> None:
    root.answer = answer
    error(post(live, {"action": "check"}), 503, "unavailable")


def test_a_door_that_nobody_stands_behind(live: Running) -> None:
    live.tree.put(DOOR, "")
    error(post(live, {"action": "check"}), 503, "unavailable")


def test_a_door_that_is_not_there(live: Running) -> None:
    error(post(live, {"action": "check"}), 503, "closed")


def test_a_policy_that_closes_it(live: Running, root: Root) -> None:
    standing = document(0)["standing"]
    standing["policy"]["page"] = False
    write(live.tree, standing=standing | {"monotonic_s": 0})
    assert "page = false" in error(post(live, {"action": "check"}), 503, "closed")["message"]
    assert root.heard == []


def test_a_door_that_never_answers(
    live: Running, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "TIME_S", 0.2)
    root.hold = threading.Event()
    error(post(live, {"action": "check"}), 503, "no_answer")
    root.hold.set()


def test_one_at_a_time(live: Running, root: Root) -> None:
    root.hold = threading.Event()
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(post(live, {"action": "check"})))
    first.start()
    assert root.listening.wait(WAIT_S)
    error(post(live, {"action": "check"}), 409, "busy")
    root.hold.set()
    first.join()
    assert answers[0].status_code == 202
    assert len(root.heard) == 1


def test_progress_is_pushed(live: Running) -> None:
    def news(connection: Any) -> Any:
        while True:
            message = json.loads(connection.recv(WAIT_S))
            if message["type"] == "updates":
                return message

    work = {
        "process": 7, "action": "apply", "by": "page", "began_at": "now", "stage": "fetching",
        "version": "0.1.58", "name": "codex-os.efi", "done": 1, "total": 30_000_000,
        "unit": "bytes", "said": None,
    }  # fmt: skip
    with live.listen() as connection:
        first = news(connection)
        assert (first["seq"], first["data"]["known"]["work"]) == (1, None)
        for done in (1, 2):
            write(live.tree, work={**work, "done": done})
            told = news(connection)
            assert told["data"]["known"]["work"]["done"] == done
        assert told["seq"] == 3

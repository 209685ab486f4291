# SPDX-License-Identifier: Apache-2.0
"""A system bus with a systemd behind it that says what a test wants."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jeepney import HeaderFields, MessageType, new_error, new_method_return
from jeepney.low_level import Parser

if TYPE_CHECKING:
    from pathlib import Path

Job = tuple[int, str, str, str]


@dataclass
class Systemd:
    """The answers; ``after`` maps a job to the jobs that wait for it."""

    properties: dict[str, tuple[str, Any]] = field(
        default_factory=lambda: {
            "SystemState": ("s", "running"),
            "Virtualization": ("s", "kvm"),
            "LoadState": ("s", "loaded"),
            "Listen": ("a(ss)", [("Stream", "127.0.0.1:3030")]),
        }
    )
    failed: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    after: dict[int, list[int]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    mute: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def answer(self, member: str, body: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        self.calls.append(member)
        path = "/org/freedesktop/systemd1/x"
        if member == "Hello":
            return "s", (":1.1",)
        if member == "Get":
            return "v", (self.properties[body[1]],)
        if member == "ListUnitsFiltered":
            unit = [
                (n, "", "loaded", "failed", "failed", "", path, 0, "", path) for n in self.failed
            ]
            return "a(ssssssouso)", (unit,)
        if member == "LoadUnit":
            return "o", (path,)
        full = [(*job, path, path) for job in self.jobs]
        if member == "GetJobAfter":
            full = [job for job in full if job[0] in self.after.get(body[0], [])]
        return "a(usssoo)", (full,)


class Bus:
    """Listens on a socket, greets like a bus and lets ``systemd`` answer."""

    def __init__(self, path: Path, systemd: Systemd) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._systemd = systemd
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                while not (line := lines.readline()).endswith(b"BEGIN\r\n"):
                    if not line:
                        return
                    connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
                if "greeting" in self._systemd.broken:
                    return
                parser = Parser()
                while data := lines.read1(65536):
                    parser.add_data(data)
                    while (message := parser.get_next_message()) is not None:
                        self._reply(connection, message)
            except OSError:
                return

    def _reply(self, connection: socket.socket, message: Any) -> None:
        member = message.header.fields[HeaderFields.member]
        if member in self._systemd.mute:
            return
        if member in self._systemd.broken:
            reply = new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "s", ("not you",))
        else:
            reply = new_method_return(message, *self._systemd.answer(member, message.body))
        assert reply.header.message_type in (MessageType.method_return, MessageType.error)
        reply.header.fields.setdefault(HeaderFields.sender, "org.freedesktop.systemd1")
        connection.sendall(reply.serialise(serial=1))

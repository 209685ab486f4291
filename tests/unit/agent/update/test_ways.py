# SPDX-License-Identifier: Apache-2.0
"""Redirects, TLS and addresses: the way to the source is the one that was configured."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import applying
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from codex_agent.update.http import Http
from codex_agent.update.source import open_source
from tests.support.versions.behaviours import redirects
from tests.support.versions.server import Server, authority, serving
from tests.unit.agent.update.fetching import CONTENT, NAME, SOON_S, get, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder


class TestRedirects:
    @pytest.fixture
    def secure(self, place: Path, tmp_path: Path) -> Iterator[tuple[Server, Http]]:
        tls, certificate = authority(tmp_path, "127.0.0.1", "localhost")
        with serving(place, tls) as server:
            source = Http(server.url, ca_file=str(certificate), timeout_s=5)
            yield server, source
            source.close()

    def send_to(self, server: Server, location: str) -> None:
        server.behaviours[NAME] = redirects(location)

    def test_within_the_host(self, secure: tuple[Server, Http], stage: Path) -> None:
        server, source = secure
        self.send_to(server, "/elsewhere/file")
        server.behaviours["elsewhere/file"] = lambda handler, _content: handler.serve(CONTENT)
        assert get(source, stage).moved == len(CONTENT)

    @pytest.mark.parametrize(("location", "said"), [
        ("https://localhost:{port}/x", "another host (localhost)"),
        ("https://127.0.0.1.evil.example/x", "another host"),
        ("http://127.0.0.1:{port}/x", "not https://"),
        ("//localhost/x", "another host"),
        ("file:///etc/passwd", "not https://"),
        ("ftp://127.0.0.1/x", "not https://"),
        ("https://user@127.0.0.1:{port}/x", "another host"),
        ("https://127.0.0.1:99999/x", "not an address"),
        ("https://[::1/x", "not an address"),
        ("", "not an address"),
        ("/a b", "not an address"),
    ])  # fmt: skip
    def test_elsewhere(
        self, secure: tuple[Server, Http], stage: Path, location: str, said: str
    ) -> None:
        server, source = secure
        self.send_to(server, location.format(port=server.server_port))
        assert said in refused(source, stage, attempts=1).message
        assert [name for name, _ in server.asked] == [NAME]

    def test_never_from_https_to_http_even_where_http_is_allowed(
        self, secure: tuple[Server, Http], tmp_path: Path, stage: Path
    ) -> None:
        server, _ = secure
        self.send_to(server, f"http://127.0.0.1:{server.server_port}/x")
        source = Http(server.url, allow_http=True, ca_file=str(tmp_path / "server.crt"))
        assert "not https://" in refused(source, stage, attempts=1).message
        source.close()

    def test_loop(self, secure: tuple[Server, Http], stage: Path) -> None:
        server, source = secure
        self.send_to(server, f"/{NAME}")
        assert "more than 5 times" in refused(source, stage, attempts=1).message
        assert len(server.asked) == 6

    def test_http_may_become_https_and_not_the_other_way(
        self, lab: Server, opened: Http, stage: Path
    ) -> None:
        self.send_to(lab, "http://localhost/x")
        assert "another host" in refused(opened, stage, attempts=1).message


class TestTls:
    def test_a_whole_update(self, machine: Host, folder: Folder, tmp_path: Path) -> None:
        folder.add("0.1.11")
        tls, certificate = authority(tmp_path, "127.0.0.1")
        with serving(folder.path, tls) as server:
            updater = machine.updater(server.url, allow_http=False, ca_file=str(certificate))
            with updater.alone() as turn:
                assert applying.apply(turn, Wish()).changed
            assert server.connections == 1
        assert "codex-os_0.1.11+3-0.efi" in machine.entries()

    def test_verified(self, place: Path, tmp_path: Path, stage: Path) -> None:
        tls, certificate = authority(tmp_path, "127.0.0.1")
        with serving(place, tls) as server:
            source = Http(server.url, ca_file=str(certificate))
            assert get(source, stage).moved == len(CONTENT)
            source.close()

    def test_unknown_authority(self, place: Path, tmp_path: Path, stage: Path) -> None:
        tls, _ = authority(tmp_path, "127.0.0.1")
        with serving(place, tls) as server:
            source = Http(server.url)
            error = refused(source, stage, attempts=1)
            source.close()
            assert "certificate" in error.message
            assert server.asked == []

    def test_certificate_of_another_host(self, place: Path, tmp_path: Path, stage: Path) -> None:
        tls, certificate = authority(tmp_path, "other.example")
        with serving(place, tls) as server:
            source = Http(server.url, ca_file=str(certificate))
            assert "is not valid" in refused(source, stage, attempts=1).message
            source.close()

    def test_no_tls_where_tls_is_asked_for(self, lab: Server, stage: Path) -> None:
        source = Http(lab.url.replace("http:", "https:"), timeout_s=5)
        assert "TLS" in refused(source, stage, attempts=1).message
        source.close()

    def test_a_handshake_that_never_ends(self, stage: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            source = Http(f"https://127.0.0.1:{listening.getsockname()[1]}", timeout_s=SOON_S)
            assert "did not answer within" in refused(source, stage, attempts=1).message
            source.close()


@pytest.mark.parametrize(("text", "kind"), [
    ("http://host/x", Exit.BY_POLICY), ("ftp://host/x", Exit.USAGE), ("host/x", Exit.USAGE),
    ("https://", Exit.USAGE), ("https://user:secret@host/", Exit.USAGE),
    ("https://host/?x", Exit.USAGE), ("https://host/#x", Exit.USAGE), ("https://h\nX/", Exit.USAGE),
    ("https://host:0/", Exit.USAGE), ("https://host:99999/", Exit.USAGE), ("", Exit.USAGE),
    ("file://other/x", Exit.USAGE), ("file:x", Exit.USAGE), ("https://h o/", Exit.USAGE),
])  # fmt: skip
def test_sources_that_are_refused(text: str, kind: Exit) -> None:
    with pytest.raises(UpdateError) as caught:
        open_source(text)
    assert caught.value.kind is kind
    assert caught.value.hint
    assert "secret" not in caught.value.message

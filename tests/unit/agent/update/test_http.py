# SPDX-License-Identifier: Apache-2.0
"""A server that lies, is slow, or stops costs a sentence, never the host."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import names
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import Pace
from codex_agent.update.http import Http
from codex_agent.update.source import Broken, Missing
from tests.support.versions.behaviours import (
    alters,
    drips,
    endless,
    lies_about_length,
    refuses,
    silent,
    stops,
)  # fmt: skip
from tests.unit.agent.update.fetching import CONTENT, NAME, SOON_S, fetcher, get, refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.versions.server import Handler, Server


def test_whole_file_and_not_twice(lab: Server, opened: Http, stage: Path) -> None:
    assert get(opened, stage).moved == len(CONTENT)
    assert get(opened, stage).moved == 0
    assert len(lab.asked) == 1


def test_stop_in_the_middle_moves_only_the_rest(lab: Server, opened: Http, stage: Path) -> None:
    half = len(CONTENT) // 2

    lab.behaviours[NAME] = stops(half)
    error = refused(opened, stage, attempts=1)
    assert isinstance(error, Broken)
    assert "stopped in the middle" in error.message
    assert (stage / f"{NAME}.part").stat().st_size == half
    del lab.behaviours[NAME]
    lab.sent.clear()
    assert get(opened, stage).moved == len(CONTENT) - half
    assert lab.sent[NAME] == len(CONTENT) - half
    assert lab.asked[-1] == (NAME, f"bytes={half}-")


def test_a_line_that_breaks_again_and_again(lab: Server, opened: Http, stage: Path) -> None:
    def bit(handler: Handler, content: bytes) -> None:
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        extent = f"bytes {start}-{len(content) - 1}/{len(content)}"
        status, headers = (206, {"Content-Range": extent}) if start else (200, {})
        handler.head(status, {"Content-Length": str(len(content) - start), **headers})
        handler.body(content[start : start + 800_000])
        handler.cut()

    lab.behaviours[NAME] = bit
    assert get(opened, stage).moved == len(CONTENT)
    assert len(lab.asked) == 4


def test_a_server_without_ranges_begins_anew(lab: Server, opened: Http, stage: Path) -> None:
    (stage / f"{NAME}.part").write_bytes(CONTENT[:1000])
    lab.behaviours[NAME] = lambda handler, content: handler.answer(200, content)
    assert get(opened, stage).moved == len(CONTENT)


def test_a_part_of_something_else_is_replaced(opened: Http, stage: Path) -> None:
    (stage / f"{NAME}.part").write_bytes(b"x" * 1000)
    assert get(opened, stage).moved == 2 * len(CONTENT) - 1000


@pytest.mark.parametrize("extra", [0, 1, 1000])
def test_a_part_that_is_too_long_is_replaced(opened: Http, stage: Path, extra: int) -> None:
    (stage / f"{NAME}.part").write_bytes(b"x" * (len(CONTENT) + extra))
    assert get(opened, stage).moved == len(CONTENT)


@pytest.mark.parametrize("change", [1, -1, 10**12])
def test_another_length_than_was_signed(
    lab: Server, opened: Http, stage: Path, change: int
) -> None:
    lab.behaviours[NAME] = lies_about_length(change)
    error = refused(opened, stage)
    assert error.kind is Exit.DIFFERENT
    assert f"{len(CONTENT)} were signed" in error.message


def test_an_endless_body_never_fills_the_disk(lab: Server, opened: Http, stage: Path) -> None:
    lab.behaviours[NAME] = endless
    error = refused(opened, stage)
    assert error.kind is Exit.DIFFERENT
    assert "more bytes" in error.message
    assert list(stage.iterdir()) == []


def test_an_endless_index_is_bounded(lab: Server, opened: Http) -> None:
    lab.behaviours[names.SUMS] = endless
    with pytest.raises(UpdateError, match="longer than 1000 bytes") as caught:
        fetcher(opened).small(names.SUMS, 1000)
    assert caught.value.kind is Exit.MALFORMED


def test_a_long_index_is_not_even_read(lab: Server, opened: Http, place: Path) -> None:
    (place / names.SUMS).write_bytes(b"x" * 2_000_000)
    work = fetcher(opened)
    with pytest.raises(UpdateError, match="longer than 1000 bytes"):
        work.small(names.SUMS, 1000)
    assert work.moved == 0


def test_other_content(lab: Server, opened: Http, stage: Path) -> None:
    lab.behaviours[NAME] = alters(lambda content: content[::-1])
    error = refused(opened, stage)
    assert error.kind is Exit.DIFFERENT
    assert list(stage.iterdir()) == []


def test_a_header_that_drips_is_cut(lab: Server, hasty: Http, stage: Path) -> None:
    """Each byte comes well within the socket's own limit of time."""
    lab.behaviours[NAME] = drips(lambda _handler: b"X", 0.1)
    start = time.monotonic()
    assert "did not answer within" in refused(hasty, stage, attempts=1).message
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("more", [{}, {"Connection": "close"}])
def test_a_chunk_length_that_drips_is_cut(
    lab: Server, hasty: Http, stage: Path, more: dict[str, str]
) -> None:
    def begin(handler: Handler) -> bytes:
        handler.head(200, {"Transfer-Encoding": "chunked", **more})
        return b"0"

    lab.behaviours[NAME] = drips(begin, 0.1)
    assert "did not answer within" in refused(hasty, stage, attempts=1).message


def test_a_body_that_drips_is_given_up(lab: Server, opened: Http, stage: Path) -> None:
    def begin(handler: Handler) -> bytes:
        handler.head(200, {"Content-Length": str(len(CONTENT))})
        return b"x"

    lab.behaviours[NAME] = drips(begin, 0.02)
    pace = Pace(floor=1024, window_s=SOON_S)
    error = refused(opened, stage, attempts=1, pace=pace)
    assert error.message.endswith("sends less than 1024 bytes a second.")


def test_silence_is_given_up(lab: Server, hasty: Http, stage: Path) -> None:
    lab.behaviours[NAME] = silent
    assert "did not answer within" in refused(hasty, stage, attempts=1).message


def test_a_small_file_has_a_limit_of_time(lab: Server, opened: Http) -> None:
    def begin(handler: Handler) -> bytes:
        handler.head(200, {"Content-Length": "1000"})
        return b"x"

    lab.behaviours[names.SUMS] = drips(begin, 0.02)
    with pytest.raises(Broken, match="takes more than"):
        fetcher(opened, small_s=SOON_S).small(names.SUMS, 5000)


@pytest.mark.parametrize("extent", [
    "bytes 0-2999999/3000000", "bytes 1001-2999999/3000000", "bytes 1000-1999999/3000000", "x", "",
    "bytes 1000-2999999/*", "bytes 1000-99999999999999999999/1",
])  # fmt: skip
def test_another_range_than_was_asked_for(
    lab: Server, opened: Http, stage: Path, extent: str
) -> None:
    (stage / f"{NAME}.part").write_bytes(CONTENT[:1000])

    def lie(handler: Handler, content: bytes) -> None:
        handler.answer(206, content[1000:], {"Content-Range": extent})

    lab.behaviours[NAME] = lie
    assert "another part" in refused(opened, stage).message


def test_compressed_on_the_way_is_refused(lab: Server, opened: Http, stage: Path) -> None:
    lab.behaviours[NAME] = lambda handler, content: handler.answer(
        200, content, {"Content-Encoding": "gzip"}
    )
    assert "another encoding" in refused(opened, stage).message


@pytest.mark.parametrize("status", [204, 206, 400, 403, 500, 503, 304])
def test_other_answers(lab: Server, opened: Http, stage: Path, status: int) -> None:
    lab.behaviours[NAME] = refuses(status)
    assert f"answers {status} for" in refused(opened, stage, attempts=1).message


def test_what_is_not_there(opened: Http) -> None:
    with pytest.raises(Missing, match=r"has no SHA256SUMS"):
        fetcher(opened).small(names.SUMS, 1000)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "x?y", "", "SHA256SUMS\r\nX: y"])
def test_foreign_names_are_never_asked_for(lab: Server, opened: Http, name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a file of a release"):
        opened.open(name)
    assert lab.asked == []


def test_no_http_at_all(stage: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"SSH-2.0-nothing\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        source = Http(f"http://127.0.0.1:{listening.getsockname()[1]}", allow_http=True)
        try:
            assert "does not speak HTTP" in refused(source, stage, attempts=1).message
        finally:
            source.close()
            thread.join()


def test_nobody_there(stage: Path) -> None:
    # Held, so that nobody else gets it meanwhile, and not listened on.
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        source = Http(f"http://127.0.0.1:{unused.getsockname()[1]}", allow_http=True)
        assert "cannot be reached: connection refused" in refused(source, stage, attempts=1).message
        source.close()

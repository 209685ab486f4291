# SPDX-License-Identifier: Apache-2.0
"""The delta: only what differs is moved, chunks are kept, and every fallback says its reason."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import chunks, delta, index, names
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import Fetcher
from codex_agent.update.program import Done
from codex_agent.update.source import Directory
from tests.unit.agent.update import releases
from tests.unit.agent.update.deltas import (
    ANY_FILE,
    VERSION,
    apply,
    chunks_of,
    cut_after,
    with_a_full_disk,
)
from tests.unit.agent.update.releases import CHUNK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.versions.server import Server
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder


def chunk_bytes(server: Server, content: bytes) -> int:
    """How much was moved of the chunks of a file."""
    wanted = chunks_of(content)
    return sum(count for name, count in server.sent.items() if name in wanted)


def root(machine: Host) -> bytes:
    path = machine.base / f"var/lib/codex/update/stage/codex-os_{VERSION}_x86-64.root.erofs"
    return path.read_bytes()


def changed_chunks(folder: Folder) -> list[str]:
    """The chunks of the new root that the running one does not have."""
    here = releases.pieces(releases.root_of(0))
    found = [n for n in releases.pieces(releases.root_of(1)) if n not in here]
    assert len(found) == 3
    return found


def test_only_what_differs_is_moved(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    outcome = apply(machine, server.url)
    assert root(machine) == releases.root_of(1)
    assert chunk_bytes(server, releases.root_of(1)) == 3 * CHUNK
    # One handshake for all: over TLS each one would cost more than a chunk.
    assert server.connections == 1
    assert server.sent[f"codex-os_{VERSION}_x86-64.root.raw.zst"] == 0
    assert outcome.whole_because is None
    assert outcome.reused == "61.0K (95%)"


def test_argv(machine: Host, folder: Folder) -> None:
    folder.add(VERSION)
    apply(machine, str(folder.path))
    *_, call = machine.started("casync")
    assert call[:3] == ["casync", "extract", "--verbose"]
    assert f"--seed={machine.base}/dev/mapper/root" in call
    stores = [word for word in call if word.startswith("--store=http://127.0.0.1:")]
    assert len(stores) == 1
    assert call[-1].startswith(str(machine.base / "var/lib/codex/update/work/"))


def test_words_of_casync() -> None:
    said = "-\\Zero bytes written: 0B\rBytes used from local seed: 23.5M (98%)\nTotal: 1ms"
    assert delta.reused(said) == "23.5M (98%)"
    assert delta.reused("nothing of the kind") is None


def test_a_cut_download_keeps_its_chunks(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    last = names.chunk(changed_chunks(folder)[-1])
    server.behaviours[last] = cut_after(100)
    with pytest.raises(UpdateError, match="stopped in the middle") as caught:
        apply(machine, server.url)
    assert caught.value.kind is Exit.UNREACHABLE
    assert machine.said == []
    del server.behaviours[last]
    server.sent.clear()
    apply(machine, server.url)
    assert chunk_bytes(server, releases.root_of(1)) == CHUNK
    assert root(machine) == releases.root_of(1)


@pytest.mark.parametrize(("content", "moved"), [(b"", 2 * CHUNK), (b"\0" * CHUNK, 3 * CHUNK)])
def test_a_power_cut_spoils_a_chunk_that_was_kept(
    machine: Host, folder: Folder, server: Server, content: bytes, moved: int
) -> None:
    """What was not brought to the disk is empty or zeros; that is no reason for the whole root."""
    folder.add(VERSION)
    first, *_, last = changed_chunks(folder)
    server.behaviours[names.chunk(last)] = cut_after(100)
    with pytest.raises(UpdateError, match="stopped in the middle"):
        apply(machine, server.url)
    server.behaviours.clear()
    server.sent.clear()
    (machine.base / "var/lib/codex/update/chunks" / first).write_bytes(content)
    assert apply(machine, server.url).whole_because is None
    assert chunk_bytes(server, releases.root_of(1)) == moved
    assert machine.said == []
    assert root(machine) == releases.root_of(1)


def test_a_source_that_is_spoilt_as_well_is_asked_once_more_only(
    machine: Host, folder: Folder, server: Server
) -> None:
    folder.add(VERSION)
    last = changed_chunks(folder)[-1]
    server.behaviours[names.chunk(last)] = cut_after(100)
    with pytest.raises(UpdateError, match="stopped in the middle"):
        apply(machine, server.url)
    server.behaviours.clear()
    (folder.path / names.chunk(last)).write_bytes(b"x")
    before = len(machine.started("casync"))
    outcome = apply(machine, server.url)
    assert "casync did not put it together" in (outcome.whole_because or "")
    assert len(machine.started("casync")) - before == 2
    assert root(machine) == releases.root_of(1)


@pytest.mark.parametrize("why", ["it was ended by SIGKILL", "it did not end within 21600 s"])
def test_a_casync_that_was_ended_keeps_its_chunks(
    machine: Host, folder: Folder, server: Server, why: str
) -> None:
    """The line is cut as well, so that the whole root is left to the next run."""
    folder.add(VERSION)
    whole = f"codex-os_{VERSION}_x86-64.root.raw.zst"

    def ended(argv: Sequence[str]) -> Done | None:
        if not argv[-1].endswith(names.UNPACKED_ROOT):
            return None
        machine._casync(argv)
        return Done(None, "", "", why)

    machine.before["casync"] = ended
    server.behaviours[whole] = cut_after(100)
    with pytest.raises(UpdateError, match="stopped in the middle"):
        apply(machine, server.url)
    assert machine.said == [f"The whole root is fetched: casync did not put it together, {why}."]
    machine.before.clear()
    server.behaviours.clear()
    server.sent.clear()
    assert apply(machine, server.url).whole_because is None
    assert chunk_bytes(server, releases.root_of(1)) == 0
    assert root(machine) == releases.root_of(1)


@pytest.mark.parametrize("content", [b"", b"x" * CHUNK, b"x"])
def test_a_spoilt_chunk(machine: Host, folder: Folder, server: Server, content: bytes) -> None:
    folder.add(VERSION)
    (folder.path / names.chunk(changed_chunks(folder)[0])).write_bytes(content)
    outcome = apply(machine, server.url)
    assert outcome.whole_because is not None
    assert "casync did not put it together" in outcome.whole_because
    assert machine.said == [f"The whole root is fetched: {outcome.whole_because}."]
    assert outcome.uki_because is None
    assert root(machine) == releases.root_of(1)
    assert not (machine.base / "var/lib/codex/update/chunks").exists()


def test_a_chunk_that_is_too_long(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    (folder.path / names.chunk(changed_chunks(folder)[0])).write_bytes(b"x" * 200_000)
    with pytest.raises(UpdateError, match="is longer than") as caught:
        apply(machine, server.url)
    assert caught.value.kind is Exit.MALFORMED


def without_index(machine: Host, folder: Folder) -> None:
    folder.add(VERSION, index=False)


def without_seed(machine: Host, folder: Folder) -> None:
    (machine.base / "dev/mapper/root").unlink()


def without_the_file_of_the_index(machine: Host, folder: Folder) -> None:
    (folder.path / f"codex-os_{VERSION}_x86-64.root.caibx").unlink()


def without_chunk(machine: Host, folder: Folder) -> None:
    (folder.path / names.chunk(changed_chunks(folder)[1])).unlink()


@pytest.mark.parametrize(("change", "reason"), [
    (without_index, "this release has no index of chunks"),
    (without_seed, "the running root"),
    (without_the_file_of_the_index, "the source lacks its index of chunks"),
    (without_chunk, "the source lacks the chunk"),
    *ANY_FILE,
])  # fmt: skip
def test_the_whole_root_for_a_reason(
    machine: Host, folder: Folder, server: Server, change: object, reason: str
) -> None:
    folder.add(VERSION)
    change(machine, folder)  # type: ignore[operator]
    outcome = apply(machine, server.url)
    assert reason in (outcome.whole_because or "")
    assert f"The whole root is fetched: {outcome.whole_because}." in machine.said
    assert root(machine) == releases.root_of(1)
    assert server.sent[f"codex-os_{VERSION}_x86-64.root.raw.zst"] > 0


def test_a_full_disk_is_no_reason_to_fetch_more(
    machine: Host, folder: Folder, server: Server
) -> None:
    folder.add(VERSION)
    with_a_full_disk(machine, folder)
    with pytest.raises(UpdateError, match="is full") as caught:
        apply(machine, server.url)
    assert caught.value.kind is Exit.SPACE
    assert server.sent[f"codex-os_{VERSION}_x86-64.root.raw.zst"] == 0


def test_an_index_of_another_root(machine: Host, folder: Folder) -> None:
    described = folder.add(VERSION)
    entry = next(file for file in described["files"] if file["role"] == "root-index")
    content = releases.index_of(releases.root_of(1, chunks=65))
    (folder.path / entry["name"]).write_bytes(content)
    entry.update(bytes=len(content), sha256=releases.sha256(content))
    folder.describe(VERSION, described)
    assert "index of chunks is that of another root" in (
        apply(machine, str(folder.path)).whole_because or ""
    )


@pytest.mark.parametrize("size", [-1, 1])
def test_a_root_that_unpacks_to_more_or_less(machine: Host, folder: Folder, size: int) -> None:
    described = folder.add(VERSION, index=False)
    described["files"][0]["unpacked_bytes"] += size
    folder.describe(VERSION, described)
    with pytest.raises(UpdateError, match=r"cannot be unpacked: it(s| holds)") as caught:
        apply(machine, str(folder.path))
    assert caught.value.kind is Exit.DIFFERENT
    stage = machine.base / "var/lib/codex/update/stage"
    assert [path.name for path in stage.glob("*root.erofs*part")] == []


class TestServed:
    @pytest.fixture
    def given(self, folder: Folder, tmp_path: Path) -> chunks.Chunks:
        folder.add(VERSION)
        cache = tmp_path / "chunks"
        found = index.parse(releases.index_of(releases.root_of(1)))
        chunks.prepare(cache, found)
        fetcher = Fetcher(Directory(folder.path), sleep=lambda _s: None)
        return chunks.Chunks(found, cache, fetcher, lambda _done: None)

    def get(self, url: str) -> bytes | int:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def test_only_chunks_of_the_index_and_only_by_the_prefix(self, given: chunks.Chunks) -> None:
        first = given.index.chunks[0]
        foreign = "ab" * 32
        (given.fetcher.source._folder / names.chunk(foreign)).parent.mkdir()  # type: ignore[attr-defined]
        (given.fetcher.source._folder / names.chunk(foreign)).write_bytes(b"x")  # type: ignore[attr-defined]
        with chunks.served(given) as url:
            content = self.get(f"{url}/{first[:4]}/{first}.cacnk")
            assert isinstance(content, bytes)
            assert hashlib.sha256(content).hexdigest() == first
            for path in (
                f"{url}/{foreign[:4]}/{foreign}.cacnk", f"{url}/{first}", f"{url}/../SHA256SUMS",
                f"{url.rsplit('/', 1)[0]}/x/{first[:4]}/{first}.cacnk", f"{url}/SHA256SUMS", url,
            ):  # fmt: skip
                assert self.get(path) == 404

    def test_what_was_cut_or_is_of_another_version_is_removed(self, given: chunks.Chunks) -> None:
        (given.cache / ".half").write_bytes(b"x")
        (given.cache / ("ab" * 32)).write_bytes(b"of another version")
        (given.cache / given.index.chunks[0]).write_bytes(b"y")
        chunks.prepare(given.cache, given.index)
        assert [path.name for path in given.cache.iterdir()] == [given.index.chunks[0]]

    def test_a_cache_that_cannot_be_written(self, given: chunks.Chunks) -> None:
        shutil.rmtree(given.cache)
        assert given.give(given.index.chunks[0]) is None
        assert given.error is not None
        assert "cannot be written" in given.error.message

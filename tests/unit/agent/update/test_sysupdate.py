# SPDX-License-Identifier: Apache-2.0
"""Driving systemd-sysupdate: what it says is believed only as far as it is understood."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import program, sysupdate
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.program import Done
from codex_agent.update.release import parse
from codex_agent.update.sysupdate import Described, Sysupdate
from tests.unit.agent.update.releases import noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.unit.agent.update.releases import Folder

#: As systemd 257 prints it.
LIST = '{"current":"0.1.8","all":["0.1.10","0.1.9","0.1.8"],"appstreamUrls":[]}\n'
ONE = (
    '{"version":"0.1.10","newest":true,"available":true,"installed":true,"obsolete":false,'
    '"protected":false,"incomplete":false,"changelogUrls":[],"contents":[]}\n'
)
TRANSFER = """[Transfer]
ProtectVersion=0.1.8
[Source]
Type=url-file
Path=file://{stage}
MatchPattern={source}
[Target]
Type=regular-file
Path={target}
MatchPattern={pattern}
InstancesMax=2
"""


def answering(done: Done, said: Sequence[str] = ()) -> Sysupdate:
    def run(
        argv: Sequence[str], *, on_line: Callable[[str], None] | None = None, **_: object
    ) -> Done:
        assert argv[:3] == [sysupdate.PROGRAM, "--json=short", "--no-pager"]
        for line in said:
            if on_line is not None:
                on_line(line)
        return done

    return Sysupdate(run)


def test_versions_in_their_order() -> None:
    assert answering(Done(0, LIST, "")).versions() == ["0.1.8", "0.1.9", "0.1.10"]
    assert answering(Done(0, f"a line before\n{LIST}", "")).versions()[0] == "0.1.8"


def test_one_version() -> None:
    found = answering(Done(0, ONE, "")).describe("0.1.10")
    assert found == Described("0.1.10", installed=True, incomplete=False, protected=False)
    assert found.whole
    half = answering(Done(0, ONE.replace('"incomplete":false', '"incomplete":true'), ""))
    described = half.describe("0.1.10")
    assert described is not None
    assert not described.whole


def test_no_such_version() -> None:
    assert answering(Done(1, "", "Update '0.1.6' not found.\n")).describe("0.1.6") is None


@pytest.mark.parametrize("done", [
    Done(0, "", ""), Done(0, "[]", ""), Done(0, "{", ""), Done(0, "null", ""), Done(0, "{}", ""),
    Done(0, "[" * 100_000, ""), Done(0, ONE.replace("true", "1"), ""), Done(1, ONE, "no"),
    Done(None, ONE, "", "it did not end within 300 s"), Done(0, ONE.replace("0.1.10", "0.1.9"), ""),
])  # fmt: skip
def test_answers_that_are_not_understood(done: Done) -> None:
    for ask in (
        lambda: answering(done).describe("0.1.10"),
        lambda: answering(Done(done.status, done.out.replace("version", "all"), "")).versions(),
    ):
        with pytest.raises(UpdateError) as caught:
            ask()
        assert caught.value.kind is Exit.NOT_WRITTEN


def test_progress_is_read() -> None:
    told: list[tuple[str, int, int]] = []
    said = [
        "Got 5% of file:///var/lib/codex/update/stage/codex-os_0.1.10_x86-64.root.erofs.",
        "Acquired 292.9K.", "Got 999% of x.", "Got % of x.", "Got 12% of ",
    ]  # fmt: skip
    answering(Done(0, ONE, ""), said).write("0.1.10", lambda *step: told.append(step))
    assert told[0] == ("codex-os_0.1.10_x86-64.root.erofs", 5, 100)
    # The end is told, whether the program does or not.
    assert told[1:] == [("x", 100, 100), ("x", 100, 100)]


def test_partitions_are_named_for_the_time_of_a_write(tmp_path: Path, folder: Folder) -> None:
    folder.add("0.1.11")
    release = parse((folder.path / "codex-os_0.1.11_x86-64.release.json").read_bytes())
    sysupdate.name_partitions(tmp_path, release)
    text = (tmp_path / "10-root.transfer.d/50-uuid.conf").read_text()
    assert text == f"[Target]\nPartitionUUID={release.uuids['root']}\n"
    sysupdate.forget_partitions(tmp_path)
    sysupdate.forget_partitions(tmp_path)
    assert not list(tmp_path.rglob("*.conf"))


@pytest.mark.skipif(
    not os.access(sysupdate.PROGRAM, os.X_OK) or os.geteuid() != 0,
    reason="systemd-sysupdate is not on this machine, or this is not root",
)
class TestReal:
    """The real program, with files in place of partitions and without a signature."""

    @pytest.fixture
    def places(self, tmp_path: Path) -> Path:
        for name in ("stage", "target", "transfers"):
            (tmp_path / name).mkdir()
        for version in ("0.1.9", "0.1.10"):
            # An index lies beside its file: its name must not be one that the pattern also matches.
            for ending in ("root", "efi", "uki.caibx", "reset.efi"):
                path = tmp_path / f"stage/os_{version}.{ending}"
                path.write_bytes(noise(200_000, len(version)))
        self.publish(tmp_path)
        for name in (
            "os_0.1.8.root", "os_0.1.8.efi", "os_0.1.7.efi", "os-reset_0.1.8.efi",
            "os-reset_0.1.7.efi",
        ):  # fmt: skip
            (tmp_path / "target" / name).write_bytes(b"old")
        for order, (source, pattern) in enumerate((
            ("os_@v.root", "os_@v.root"),
            ("os_@v.reset.efi", "os-reset_@v.efi"),
            ("os_@v.efi", "os_@v+@l-@d.efi os_@v+@l.efi os_@v.efi\nTriesLeft=3\nTriesDone=0"),
        )):  # fmt: skip
            text = TRANSFER.format(
                stage=tmp_path / "stage", target=tmp_path / "target", source=source, pattern=pattern
            )
            (tmp_path / f"transfers/{order}.transfer").write_text(text)
        return tmp_path

    def publish(self, places: Path) -> None:
        lines = [
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in sorted((places / "stage").iterdir())
        ]
        (places / "stage/SHA256SUMS").write_text("".join(lines))

    def driven(self, places: Path) -> Sysupdate:
        def run(
            argv: Sequence[str],
            *,
            timeout_s: float,
            keep: Sequence[int] = (),
            on_line: Callable[[str], None] | None = None,
            on_data: Callable[[bytes], None] | None = None,
        ) -> Done:
            words = [word for word in argv[1:] if word != "--verify=yes"]
            more = ["--verify=no", f"--definitions={places / 'transfers'}"]
            return program.run([argv[0], *more, *words], timeout_s=60, on_line=on_line)

        return Sysupdate(run)

    def test_from_list_to_written(self, places: Path) -> None:
        slots = self.driven(places)
        assert slots.versions() == ["0.1.7", "0.1.8"]
        old = slots.describe("0.1.8")
        assert old is not None
        assert (old.whole, old.protected) == (True, True)
        half = slots.describe("0.1.7")
        assert half is not None
        assert not half.whole
        assert slots.describe("0.1.10") is None
        told: list[tuple[str, int, int]] = []
        slots.write("0.1.10", lambda *step: told.append(step))
        assert {name for name, _, _ in told} <= {
            "os_0.1.10.root", "os_0.1.10.efi", "os_0.1.10.reset.efi"
        }  # fmt: skip
        assert sorted(path.name for path in (places / "target").iterdir()) == [
            "os-reset_0.1.10.efi", "os-reset_0.1.8.efi", "os_0.1.10+3-0.efi", "os_0.1.10.root",
            "os_0.1.8.efi", "os_0.1.8.root",
        ]  # fmt: skip
        slots.write("0.1.10", lambda *_: None)

    def test_entry_for_a_reset_that_is_lost(self, places: Path) -> None:
        """It is a part of the version, and comes back without a new count of the rest."""
        slots = self.driven(places)
        slots.write("0.1.10", lambda *_: None)
        target = places / "target"
        (target / "os_0.1.10+3-0.efi").rename(target / "os_0.1.10+2-1.efi")
        (target / "os-reset_0.1.10.efi").unlink()
        half = slots.describe("0.1.10")
        assert half is not None
        assert not half.whole
        slots.write("0.1.10", lambda *_: None)
        assert (target / "os-reset_0.1.10.efi").is_file()
        assert {path.name for path in target.glob("os_0.1.10*.efi")} == {"os_0.1.10+2-1.efi"}

    def test_uki_is_written_last(self, places: Path) -> None:
        """What the entry for a reset lacks keeps the version from becoming one that can start."""
        with (places / "stage/os_0.1.10.reset.efi").open("ab") as stream:
            stream.write(b"x")
        with pytest.raises(UpdateError, match=r"Version 0\.1\.10 was not written"):
            self.driven(places).write("0.1.10", lambda *_: None)
        names = {path.name for path in (places / "target").iterdir()}
        assert not [name for name in names if name.startswith("os_0.1.10") and "efi" in name]

    def test_a_file_that_was_changed(self, places: Path) -> None:
        with (places / "stage/os_0.1.10.efi").open("ab") as stream:
            stream.write(b"x")
        with pytest.raises(UpdateError, match=r"Version 0\.1\.10 was not written") as caught:
            self.driven(places).write("0.1.10", lambda *_: None)
        assert caught.value.kind is Exit.NOT_WRITTEN
        assert not list((places / "target").glob("*0.1.10*efi"))

    def test_what_is_not_offered(self, places: Path) -> None:
        with pytest.raises(UpdateError, match=r"was not written: Update '9' not found"):
            self.driven(places).write("9", lambda *_: None)

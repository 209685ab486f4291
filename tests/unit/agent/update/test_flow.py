# SPDX-License-Identifier: Apache-2.0
"""An update from beginning to end, and every refusal with its sentence and its exit status."""

from __future__ import annotations

import fcntl
import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from codex_agent.errors import CodexError
from codex_agent.update import applying, boot, names, space, state
from codex_agent.update.check import check
from codex_agent.update.exits import Exit
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from tests.unit.agent.update import releases
from tests.unit.agent.update.hosts import OLD, RUNNING
from tests.unit.agent.update.turns import apply, refused

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"


def kept(machine: Host) -> state.State:
    return state.load(machine.system.state).state


def test_from_offer_to_blessed(machine: Host, folder: Folder) -> None:
    described = folder.add(NEW)
    outcome = apply(machine, folder.path)
    assert (outcome.changed, outcome.version) == (True, NEW)
    assert machine.entries() == [f"codex-os_{RUNNING}.efi", f"codex-os_{NEW}+3-0.efi"]
    assert machine.uuids == described["uuids"]
    assert not list((machine.base / "run/sysupdate.d").rglob("*.conf"))
    assert not (machine.base / "var/lib/codex/update/stage").exists()
    assert kept(machine).stage == "written"
    machine.restart(NEW, blessed=True)
    outcome = apply(machine, folder.path)
    assert not outcome.changed
    assert kept(machine).stage == "none"
    assert kept(machine).highest_seen == NEW


def test_a_second_time_nothing_is_moved(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    apply(machine, folder.path)
    machine.calls.clear()
    outcome = apply(machine, folder.path)
    assert not outcome.changed
    assert "already written" in outcome.message
    assert not machine.started("casync")
    assert ["update", NEW] not in [call[-2:] for call in machine.calls]


def test_progress_is_told(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    apply(machine, folder.path)
    assert {name.split(" ")[0] for name, _, _ in machine.told} > {"chunks"}
    # A total of 0 is one that is not known.
    assert all(0 <= done <= (total or done) for _, done, total in machine.told)


def test_the_newest_by_the_order_of_versions(machine: Host, folder: Folder) -> None:
    for version in ("0.1.9", "0.1.100", "0.1.20"):
        folder.add(version)
    assert apply(machine, folder.path, fetch_only=True).version == "0.1.100"
    assert apply(machine, folder.path, fetch_only=True, version="0.1.20").version == "0.1.20"
    stage = machine.base / "var/lib/codex/update/stage"
    assert not [path for path in stage.iterdir() if "0.1.100" in path.name]


def test_nothing_newer(machine: Host, folder: Folder) -> None:
    folder.add(RUNNING)
    outcome = apply(machine, folder.path)
    assert not outcome.changed
    assert outcome.message == f"Version {RUNNING} is running; nothing is newer."


class TestRefusals:
    def test_unsigned(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        (folder.path / names.SIGNATURE).unlink()
        error = refused(machine, folder.path)
        assert error.kind is Exit.UNSIGNED
        assert "the signature of the checksums is missing" in error.message

    def test_wrong_key(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        folder.publish("other")
        assert refused(machine, folder.path).kind is Exit.UNSIGNED

    def test_unsigned_content_is_never_read(self, machine: Host, folder: Folder) -> None:
        folder.publish("other", sums=b"\xff../../x\0")
        assert refused(machine, folder.path).kind is Exit.UNSIGNED

    @pytest.mark.parametrize("name", ["../../etc/x", "/etc/x", "a\nb", "a\0b", "a" * 300])
    def test_names_that_were_signed(self, machine: Host, folder: Folder, name: str) -> None:
        folder.add(NEW)
        good = (folder.path / names.SUMS).read_bytes()
        folder.publish(sums=good + f"{'0' * 64}  {name}\n".encode())
        assert refused(machine, folder.path).kind is Exit.MALFORMED

    def test_a_name_twice(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        good = (folder.path / names.SUMS).read_bytes()
        folder.publish(sums=good + good.splitlines(keepends=True)[0])
        assert refused(machine, folder.path).kind is Exit.MALFORMED

    def test_checksums_beyond_their_bound(self, machine: Host, folder: Folder) -> None:
        folder.publish(sums=b"x" * 600_000)
        error = refused(machine, folder.path)
        assert error.kind is Exit.MALFORMED
        assert "SHA256SUMS is longer than" in error.message

    def test_a_signature_beyond_its_bound(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        (folder.path / names.SIGNATURE).write_bytes(b"x" * 20_000)
        assert refused(machine, folder.path).kind is Exit.MALFORMED

    def test_older(self, machine: Host, folder: Folder) -> None:
        folder.add("0.1.8")
        error = refused(machine, folder.path)
        assert error.kind is Exit.OLDER
        assert error.message == f"The source offers 0.1.8, which is older than {RUNNING}."
        assert apply(machine, folder.path, allow_older=True).version == "0.1.8"

    def test_a_replayed_index(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        saved = {name: (folder.path / name).read_bytes() for name in (names.SUMS, names.SIGNATURE)}
        folder.add("0.1.12")
        assert check(machine.updater(str(folder.path)), Wish()).version == "0.1.12"
        for name, content in saved.items():
            (folder.path / name).write_bytes(content)
        error = refused(machine, folder.path)
        assert error.kind is Exit.OLDER
        assert "0.1.12 was offered before" in error.message
        assert apply(machine, folder.path, allow_older=True).version == NEW

    def test_an_older_one_of_the_newest_index_is_no_replay(
        self, machine: Host, folder: Folder
    ) -> None:
        folder.add(NEW)
        folder.add("0.1.12")
        assert apply(machine, folder.path, version=NEW).version == NEW
        assert kept(machine).highest_seen == "0.1.12"

    def test_architecture(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW, architecture="arm64")
        error = refused(machine, folder.path)
        assert error.kind is Exit.ARCHITECTURE
        assert "releases for arm64, and this host is x86-64" in error.message

    def test_flavour(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW, flavour="nvidia")
        assert refused(machine, folder.path).kind is Exit.FLAVOUR
        assert check(machine.updater(str(folder.path)), Wish()).refused is not None
        assert (kept(machine).highest_seen, kept(machine).offered) == (None, None)

    def test_minimum(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW, minimum_from="0.1.10.1")
        assert refused(machine, folder.path).kind is Exit.TOO_FAR
        folder.add(NEW, minimum_from=RUNNING)
        assert apply(machine, folder.path).changed

    def test_a_description_that_does_not_fit(self, machine: Host, folder: Folder) -> None:
        described = folder.add(NEW)
        folder.describe(NEW, {**described, "version": "0.1.12"})
        assert refused(machine, folder.path).kind is Exit.MALFORMED
        folder.describe(NEW, b"{}")
        assert refused(machine, folder.path).kind is Exit.MALFORMED

    def test_a_description_that_was_exchanged(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        place = folder.path / f"codex-os_{NEW}_x86-64.release.json"
        place.write_bytes(place.read_bytes() + b"\n")
        assert refused(machine, folder.path).kind is Exit.DIFFERENT

    def test_two_lists_that_disagree(self, machine: Host, folder: Folder) -> None:
        described = folder.add(NEW)
        described["files"][2]["sha256"] = "0" * 64
        folder.describe(NEW, described)
        assert refused(machine, folder.path).kind is Exit.MALFORMED

    @pytest.mark.parametrize("role", ["uki", "verity", "signature", "manifest"])
    def test_an_exchanged_file(self, machine: Host, folder: Folder, role: names.Role) -> None:
        folder.add(NEW, uki_index=False)
        place = folder.path / names.of(NEW, "x86-64", names.ENDINGS[role])
        content = bytearray(place.read_bytes())
        content[100] ^= 1
        place.write_bytes(content)
        assert refused(machine, folder.path).kind is Exit.DIFFERENT
        assert machine.entries() == [f"codex-os_{RUNNING}.efi", f"codex-os_{OLD}.efi"]

    def test_too_little_space(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        machine.free = 1000
        error = refused(machine, folder.path)
        assert error.kind is Exit.SPACE
        assert re.search(r"\d+ MiB needed, 0 MiB free", error.message)
        assert not (machine.base / "var/lib/codex/update/stage").exists()

    def test_what_another_version_takes_counts_as_free(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        apply(machine, folder.path, fetch_only=True)
        stage = machine.base / "var/lib/codex/update/stage"
        taken = sum(path.stat().st_size for path in stage.iterdir())
        folder.add("0.1.12", index=False)
        machine.free = space.MARGIN + 700_000 - taken
        apply(machine, folder.path, fetch_only=True)
        machine.free = space.MARGIN - 1_000_000
        folder.add("0.1.13")
        assert refused(machine, folder.path).kind is Exit.SPACE

    @pytest.mark.parametrize("name", [f"codex-os_{RUNNING}+2-1.efi", f"codex-os_{RUNNING}+0-3.efi"])
    def test_not_blessed(self, machine: Host, folder: Folder, name: str) -> None:
        folder.add(NEW)
        machine.rename(f"codex-os_{RUNNING}.efi", name)
        error = refused(machine, folder.path)
        assert error.kind is Exit.NOT_BLESSED
        assert "not been found good yet" in error.message
        assert f"codex-os_{OLD}.efi" in machine.entries()

    @pytest.mark.parametrize("change", ["entry", "esp", "variable", "other"])
    def test_not_known_whether_blessed(self, machine: Host, folder: Folder, change: str) -> None:
        folder.add(NEW)
        if change == "entry":
            (machine.base / f"efi/EFI/Linux/codex-os_{RUNNING}.efi").unlink()
        elif change == "esp":
            (machine.base / "efi").rename(machine.base / "gone")
        elif change == "variable":
            machine.put(f"{boot.EFIVARS}/{boot.SELECTED}-{boot.VENDOR}", b"\0\0\0\0\0\xd8")
        else:
            machine.select(f"codex-os_{OLD}.efi")
        assert refused(machine, folder.path).kind is Exit.NOT_BLESSED

    def test_a_version_that_was_given_up(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        apply(machine, folder.path)
        machine.restart(NEW, blessed=False)
        error = refused(machine, folder.path)
        assert error.kind is Exit.BAD_VERSION
        assert "did not start well in 3 tries" in error.message
        assert apply(machine, folder.path, again=True).changed
        assert f"codex-os_{NEW}+3-0.efi" in machine.entries()
        assert kept(machine).bad == {}

    def test_why_it_was_given_up_is_said(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        apply(machine, folder.path)
        boots = [
            {"boot_id": "a", "version": RUNNING, "started_at": "t", "verdict": "healthy"},
            {"boot_id": "b", "version": NEW, "started_at": "t", "verdict": "failed",
             "reasons": [{"check": "gpu", "message": "The GPU does not answer."}]},
        ]  # fmt: skip
        machine.put("/var/lib/codex/boots/journal.json", json.dumps(
            {"schema": 1, "boots": boots}
        ).encode())  # fmt: skip
        machine.restart(NEW, blessed=False)
        error = refused(machine, folder.path)
        assert error.kind is Exit.BAD_VERSION
        assert "its boot here was not good: The GPU does not answer." in error.message
        assert "The GPU does not answer" in kept(machine).bad[NEW]

    def test_not_root(self, machine: Host, folder: Folder) -> None:
        machine.uid = 1000
        assert refused(machine, folder.path).kind is Exit.DENIED

    def test_a_mutable_host(self, machine: Host, folder: Folder) -> None:
        machine.put("/etc/os-release", b"ID=debian\n")
        assert refused(machine, folder.path).kind is Exit.NO_IMAGE

    def test_no_source(self, machine: Host) -> None:
        assert refused(machine, "").kind is Exit.UNREACHABLE

    def test_a_version_that_is_not_offered(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        assert "does not offer version 9" in refused(machine, folder.path, version="9").message

    def test_sysupdate_fails(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        machine.before["systemd-sysupdate"] = lambda argv: (
            Done(1, "{}", "Some log\nNo space left on device\n") if "update" in argv else None
        )
        error = refused(machine, folder.path)
        assert error.kind is Exit.NOT_WRITTEN
        assert error.message == f"Version {NEW} was not written: No space left on device."
        assert not list((machine.base / "run/sysupdate.d").rglob("*.conf"))
        assert kept(machine).last_error == error.message
        del machine.before["systemd-sysupdate"]
        assert apply(machine, folder.path).moved_bytes == 0

    def test_sysupdate_says_so_and_did_nothing(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        machine.before["systemd-sysupdate"] = lambda argv: (
            Done(0, "", "") if "update" in argv else None
        )
        error = refused(machine, folder.path)
        assert error.kind is Exit.NOT_WRITTEN
        assert "is not whole in its slot" in error.message

    def test_another_update(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        with machine.updater(str(folder.path)).alone():
            assert refused(machine, folder.path).kind is Exit.BUSY
            assert check(machine.updater(str(folder.path)), Wish()).version == NEW

    def test_the_lock_outlives_us_in_our_programs(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        with machine.updater(str(folder.path)).alone() as turn:
            inherited = os.dup(turn.keep[0])
        try:
            assert refused(machine, folder.path).kind is Exit.BUSY
        finally:
            fcntl.flock(inherited, fcntl.LOCK_UN)
            os.close(inherited)

    def test_a_state_folder_that_others_may_read(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        place = machine.base / "var/lib/codex/update"
        place.mkdir(mode=0o755)
        place.chmod(0o755)
        with pytest.raises(CodexError, match="has mode 0755"):
            apply(machine, folder.path)


def test_a_release_between_checksums_and_signature(machine: Host, folder: Folder) -> None:
    """The source was replaced while it was read: it is read once more."""
    folder.add(NEW)
    updater = machine.updater(str(folder.path))
    real = updater.open
    opened: list[str] = []

    def open_source(*words: object, **named: object) -> object:
        source = real(*words, **named)
        inner = source.open

        def spying(name: str, start: int = 0) -> object:
            opened.append(name)
            if opened.count(names.SIGNATURE) == 1 and name == names.SIGNATURE:
                folder.add("0.1.12")
            return inner(name, start)

        source.open = spying  # type: ignore[method-assign, assignment]
        return source

    updater.open = open_source  # type: ignore[assignment]
    with updater.alone() as turn:
        assert applying.apply(turn, Wish(fetch_only=True)).version == "0.1.12"


def test_an_older_architecture_of_names(machine: Host, folder: Folder) -> None:
    """What else lies in the folder is not opened."""
    folder.add(NEW)
    (folder.path / "codex-os_0.1.99_x86-64.efi").write_bytes(releases.noise(100, 1))
    folder.publish()
    assert apply(machine, folder.path, fetch_only=True).version == NEW

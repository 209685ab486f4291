# SPDX-License-Identifier: Apache-2.0
"""What root writes down of updates for everybody: its schema, its readers, what it leaves out."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.cli import main
from codex_agent.cli import update as command
from codex_agent.config.update import Loaded
from codex_agent.host.root import Root
from codex_agent.update import applying, known, lock, telling
from codex_agent.update.check import Found
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Outcome, Wish
from codex_agent.update.known import Reader
from codex_agent.update.manifest import Change
from codex_agent.update.program import Done
from codex_agent.update.telling import Teller, masked
from tests.unit.agent.update.hosts import OLD, RUNNING, policy

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
SCHEMA = json.loads((Path(known.__file__).parent / "known.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SECRET = "hunter2"


def policies(**changes: object) -> Loaded:
    return Loaded(policy(**changes), {}, [])


def path(machine: Host) -> Path:
    return machine.base / known.PLACE.lstrip("/")


def content(machine: Host) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path(machine).read_text())
    VALIDATOR.validate(data)
    return data


def teller(machine: Host, action: Any = "apply", by: Any = "command", **changes: object) -> Teller:
    return Teller(machine.system, policies(**changes), action, by, machine.said.append)


def reader(machine: Host) -> Reader:
    machine.put("/usr/lib/sysupdate.d/10-root.transfer", b"")
    return Reader(machine.system.root)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_how_it_stands_is_written_and_believed(machine: Host) -> None:
    telling.keep(machine.system, policies(source="/media/disk"))
    data = content(machine)
    assert path(machine).stat().st_mode & 0o777 == 0o644
    assert data["standing"]["running"] == RUNNING
    assert [v["version"] for v in data["standing"]["versions"]] == [OLD, RUNNING]
    found = reader(machine).updates()
    assert found.known is not None
    assert found.known.standing.policy.source == "/media/disk"
    assert [v.standing for v in found.known.standing.versions] == ["good", "good"]
    assert (found.silent, found.reason) == (False, None)


def test_what_was_given_up_has_its_reason(machine: Host) -> None:
    machine.put(f"/efi/EFI/Linux/codex-os_{NEW}+0-3.efi", b"uki")
    telling.keep(machine.system, policies())
    found = reader(machine).updates().known
    assert found is not None
    bad = next(v for v in found.standing.versions if v.version == NEW)
    assert (bad.standing, bad.given_up) == ("bad", "it did not start well in 3 tries")


def test_progress_the_end_and_what_was_found(machine: Host, folder: Folder) -> None:
    folder.add(NEW, seed=4)
    seen: list[dict[str, Any]] = []

    def look(_argv: object) -> None:
        if path(machine).exists():
            seen.append(content(machine))

    machine.before["systemd-sysupdate"] = look
    with teller(machine, source=str(folder.path)) as told:
        updater = replace(
            machine.updater(str(folder.path)), begun=told.begun, tell=told.tell, say=told.say
        )
        with updater.alone() as turn:
            told.done(applying.apply(turn, Wish()))
    del machine.before["systemd-sysupdate"]
    works = [entry["work"] for entry in seen if entry["work"]]
    assert {work["action"] for work in works} == {"apply"}
    assert any(work["stage"] == "writing" and work["version"] == NEW for work in works)
    data = content(machine)
    assert data["work"] is None
    assert data["ended"]["message"] == f"Version {NEW} is written and starts at the next restart."
    assert [v["version"] for v in data["standing"]["versions"] if v["starts_next"]] == [NEW]


def test_words_on_progress_are_few(machine: Host) -> None:
    written: list[int] = []
    with teller(machine) as told:
        told.monotonic = lambda: 100.0
        told.begun()
        for done in range(100):
            told.tell("codex-os.efi", done, 10_000_000)
            written.append(content(machine)["work"]["done"])
        told.monotonic = lambda: 100.6
        told.tell("codex-os.efi", 1234, 10_000_000)
        assert content(machine)["work"]["done"] == 1234
    assert len(set(written)) == 1


@pytest.mark.parametrize(
    ("total", "unit"), [(100, "percent"), (263, "count"), (30_000_000, "bytes")]
)
def test_units(machine: Host, total: int, unit: str) -> None:
    with teller(machine) as told:
        told.begun()
        told.tell("x", 50, total)
        assert content(machine)["work"]["unit"] == unit


def ends(told: Teller, error: BaseException, said: str | None = None) -> None:
    """Let a work begin and end by an error."""
    with told:
        told.begun()
        if said is not None:
            told.say(said)
        raise error


def test_a_refusal_is_told_with_its_hint(machine: Host) -> None:
    error = UpdateError(Exit.UNSIGNED, "It is not signed.", "Tell whoever makes it.")
    with pytest.raises(UpdateError):
        ends(teller(machine, "check"), error)
    ended = content(machine)["ended"]
    assert (ended["good"], ended["exit_code"]) == (False, Exit.UNSIGNED)
    assert (ended["message"], ended["hint"]) == ("It is not signed.", "Tell whoever makes it.")


def test_a_defect_is_told_too(machine: Host) -> None:
    with pytest.raises(ZeroDivisionError):
        ends(teller(machine), ZeroDivisionError())
    assert content(machine)["ended"]["message"] == "It was ended by ZeroDivisionError."


def test_who_came_too_late_leaves_the_first_one_its_words(machine: Host) -> None:
    with teller(machine) as first, lock.taken(_state(machine)):
        first.begun()
        with pytest.raises(UpdateError), teller(machine, "check") as second:
            raise UpdateError(Exit.BUSY, "Another update is under way.", "Wait.")
        assert second
        assert content(machine)["work"]["action"] == "apply"
        assert content(machine)["ended"] is None


def _state(machine: Host) -> Path:
    machine.system.state.mkdir(parents=True, exist_ok=True)
    return machine.system.state


def test_a_timer_with_nothing_to_do_is_no_news(machine: Host) -> None:
    with pytest.raises(UpdateError):
        ends(teller(machine), UpdateError(Exit.SPACE, "Too little space.", "Make some."))
    with teller(machine, by="timer") as told:
        told.begun()
        told.done(Outcome(False, "", "The policy of this host is never to look for updates."))
    assert content(machine)["ended"]["message"] == "Too little space."


def test_what_a_timer_complained_of_is_over_when_it_does_not_any_more(machine: Host) -> None:
    error = UpdateError(Exit.UNREACHABLE, "It does not answer.", "Again.")
    with pytest.raises(UpdateError):
        ends(teller(machine, by="timer"), error)
    with teller(machine, by="timer") as told:
        told.begun()
        told.done(Outcome(False, RUNNING, "Nothing is newer."))
    assert content(machine)["ended"] is None


def test_a_work_that_was_killed_is_forgotten_by_the_next_look(machine: Host) -> None:
    told = teller(machine)
    told.begun()
    told._over.set()
    assert content(machine)["work"] is not None
    with lock.taken(_state(machine)):
        telling.keep(machine.system, policies())
        assert content(machine)["work"] is not None
    telling.keep(machine.system, policies())
    assert content(machine)["work"] is None


def test_it_beats_while_nothing_is_told(machine: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "BEAT_S", 0.01)
    with teller(machine) as told:
        told.begun()
        first = content(machine)["monotonic_s"]
        for _ in range(1000):
            if content(machine)["monotonic_s"] > first:
                break
            threading.Event().wait(0.01)
        assert content(machine)["monotonic_s"] > first
    assert told._beating is not None
    assert not told._beating.is_alive()


def test_anybody_but_root_writes_nothing(machine: Host) -> None:
    machine.uid = 1000
    with teller(machine) as told:
        told.begun()
        told.tell("x", 1, 2)
    assert not path(machine).exists()


def test_what_cannot_be_written_is_said_once_and_stops_nothing(machine: Host) -> None:
    machine.put("/run/codex", b"in the way")
    with teller(machine) as told:
        told.begun()
        told.tell("x", 1, 2)
        told.done(Outcome(True, NEW, "Done."))
    assert len(machine.said) == 1
    assert "cannot be written down" in machine.said[0]


def test_no_password_and_no_control_character_leaves(machine: Host) -> None:
    source = f"https://me:{SECRET}@example.org/a?key={SECRET}"
    error = UpdateError(Exit.UNREACHABLE, f"{source} does not answer.", f"curl {source}")
    with pytest.raises(UpdateError):
        ends(teller(machine, "check", source=source), error, f"{source} is slow\x1b[2J")
    text = path(machine).read_text()
    assert SECRET not in text
    assert content(machine)["standing"]["policy"]["source"] == "https://…@example.org/a"
    hook = (("/usr/bin/drain", SECRET),)
    telling.keep(machine.system, policies(drain_before=hook))
    assert SECRET not in path(machine).read_text()
    assert content(machine)["standing"]["policy"]["drains"] is True


@pytest.mark.parametrize(("text", "shown"), [
    ("https://a:b@h/x", "https://…@h/x"), ("see https://h/x.", "see https://h/x."),
    ("https://a:b@c@h/x", "https://…@h/x"), ("https://h/x?t=1 or", "https://h/x or"),
    ("a\x1bb\n", "a?b?"), ("/media/disk", "/media/disk"), ("who? me@x", "who? me@x"),
])  # fmt: skip
def test_masks(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_what_is_not_there_is_not_known(machine: Host) -> None:
    found = Reader(machine.system.root).updates()
    assert found.known is None
    assert found.reason == "this host was not booted from an image of Codex OS"
    assert found.closed == "This host was not booted from an image of Codex OS."
    found = reader(machine).updates()
    assert found.reason == f"{known.PLACE} does not exist"
    assert "codex-update-request.socket" in (found.closed or "")


def test_the_door_is_closed_by_policy(machine: Host) -> None:
    machine.put(known.DOOR, b"")
    telling.keep(machine.system, policies())
    assert reader(machine).updates().closed is None
    telling.keep(machine.system, policies(page=False))
    assert "page = false" in (reader(machine).updates().closed or "")


def aged(machine: Host, seconds: float) -> Reader:
    telling.keep(machine.system, policies())
    written = content(machine)["monotonic_s"]
    machine.put("/usr/lib/sysupdate.d/10-root.transfer", b"")
    return Reader(Root(str(machine.base), monotonic=lambda: written + seconds))


def test_what_is_old_is_not_known(machine: Host) -> None:
    assert aged(machine, 3000).updates().known is not None
    found = aged(machine, 7200).updates()
    assert found.known is None
    assert "2.0 h old" in (found.reason or "")
    assert "another start" in (aged(machine, -5).updates().reason or "")


def test_a_work_that_is_silent_is_said_to_be(machine: Host) -> None:
    told = teller(machine)
    told.begun()
    told._over.set()
    written = content(machine)["monotonic_s"]
    for seconds, silent in ((30, False), (90, True)):
        root = Root(str(machine.base), monotonic=lambda at=written + seconds: at)  # type: ignore[misc]
        assert Reader(root).updates().silent is silent


@pytest.mark.parametrize(("change", "reason"), [
    ({"schema": 2}, "schema is none"), ({"schema": True}, "schema is none"),
    ({"more": 1}, "not the names"), ({"work": []}, "work is not an object"),
    ({"written_at": "a\x1b"}, "not one line"), ({"monotonic_s": -1}, "not a number that can be"),
    ({"monotonic_s": "1"}, "not a number"), ({"standing": None}, "standing is not an object"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(machine: Host, change: dict[str, Any], reason: str) -> None:
    telling.keep(machine.system, policies())
    data = content(machine) | change
    assert not VALIDATOR.is_valid(data)
    path(machine).write_text(json.dumps(data))
    found = reader(machine).updates()
    assert found.known is None
    assert reason in (found.reason or "")


@pytest.mark.parametrize("garbage", [
    b"", b"{", b"[]", b"\xff\xfe", b'{"schema":1,"schema":1}', b"[" * 100_000, b"null",
    b"x" * (known.LIMIT + 1),
])  # fmt: skip
def test_garbage_is_not_known(machine: Host, garbage: bytes) -> None:
    path(machine).parent.mkdir(parents=True, exist_ok=True)
    path(machine).write_bytes(garbage)
    found = reader(machine).updates()
    assert found.known is None
    assert known.PLACE in (found.reason or "")
    # Root does not fall over it either.
    telling.keep(machine.system, policies())
    assert reader(machine).updates().known is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(SCHEMA["properties"])), JSON))
def test_no_document_breaks_the_reader(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        known.parse(json.dumps(document).encode())


def test_status_keep(
    machine: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "System", lambda: machine.system)
    assert main.main(["update", "status", "--keep"]) == Exit.DONE
    assert content(machine)["standing"]["running"] == RUNNING
    machine.uid = 1000
    assert main.main(["update", "status", "--keep"]) == Exit.DENIED
    assert "Only root" in capsys.readouterr().err


def test_a_look_by_hand_is_known_to_everybody(
    machine: Host, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.add(NEW, seed=4)
    monkeypatch.setattr(command, "System", lambda: machine.system)
    machine.put("/usr/lib/sysimage/dpkg/status",
                b"Package: base\nStatus: install ok installed\nVersion: 1\n\n")  # fmt: skip
    machine.before["systemd-sysupdate"] = lambda _argv: Done(0, "{}", "")
    assert main.main(["update", "check", "--source", str(folder.path)]) == Exit.OFFERED
    data = content(machine)
    assert (data["offered"]["version"], data["offered"]["newer"]) == (NEW, True)
    assert data["offered"]["changes"][0]["package"] == "openssl"
    assert data["ended"]["message"] == f"Version {NEW} is offered."
    assert data["standing"]["offered"] == NEW


def test_more_changes_than_anybody_reads_are_counted() -> None:
    many = [Change(f"p{n}", "1", "2") for n in range(telling.CHANGES + 7)]
    told = telling.offered(Found(RUNNING, NEW, True, "now", "7.3", "key", 1, [NEW], None, many))
    assert (len(told.changes or []), told.left_out) == (telling.CHANGES, 7)


@pytest.mark.parametrize(("mode", "action"), [("notify", "check"), ("download", "apply")])
def test_a_policy_that_only_looks_is_not_told_as_an_update(
    machine: Host, folder: Folder, monkeypatch: pytest.MonkeyPatch, mode: str, action: str
) -> None:
    folder.add(NEW)
    machine.put("/etc/codex/update.toml",
                f"[update]\nmode = '{mode}'\nsource = '{folder.path}'\n".encode())  # fmt: skip
    monkeypatch.setattr(command, "System", lambda: machine.system)
    assert main.main(["update", "apply", "--scheduled"]) == Exit.DONE
    ended = content(machine)["ended"]
    assert (ended["action"], ended["by"]) == (action, "timer")

# SPDX-License-Identifier: Apache-2.0
"""An operator's own probes: what they answer, and files and programs that attack the gate."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.host import probes
from codex_agent.host.checks import verdict
from codex_agent.probe import ask, own

if TYPE_CHECKING:
    from pathlib import Path

    from codex_agent.host.probes import Result
    from tests.unit.agent.trees import Tree

FOLDER = own.FOLDER


def put(tree: Tree, text: str, name: str = "mine.toml") -> Path:
    tree.put(f"{FOLDER}/{name}", text)
    path = tree.path(f"{FOLDER}/{name}")
    path.chmod(0o644)
    path.parent.chmod(0o755)
    return path


def script(tree: Tree, text: str, more: str = "") -> None:
    """A probe whose program is a script of the shell."""
    put(tree, f"argv = ['/bin/sh', '-c', '''{text}''']\n{more}")


def only(tree: Tree) -> Result:
    (found,) = ask.everything(tree.root, {})
    # Whatever it was, it can be kept and read again, and judged.
    document = ask.document(tree.root, [found])
    assert probes.parse(json.dumps(document)).results == [found]
    verdict([found.check()])
    return found


@pytest.mark.parametrize(
    ("text", "state", "message"),
    [
        ("exit 0", "ok", "It answers."),
        ("echo all four rails are up", "ok", "All four rails are up."),
        ("echo no rails here; exit 77", "skipped", "No rails here."),
        ("exit 77", "skipped", "It says that it is not for this host."),
        ("exit 1", "failed", "It ended with status 1."),
        ("echo first; echo second; exit 1", "failed", "It ended with status 1: first."),
        ("echo first >&2; echo last >&2; exit 2", "failed", "It ended with status 2: last."),
        ("""printf '%s' '{"message": "rail 3 is down", "hint": "Look at rail 3."}'; exit 1""",
         "failed", "It ended with status 1: rail 3 is down."),
        ("""echo '{"state": "ok", "message": 7, "gates": false}'; exit 1""",
         "failed", "It ended with status 1."),
        ("kill -SEGV $$", "failed", "It was ended by SIGSEGV."),
    ],
)  # fmt: skip
def test_exit_status_is_the_answer(tree: Tree, text: str, state: str, message: str) -> None:
    text = text.replace("'", '"') if "'''" in text else text
    script(tree, text)
    found = only(tree)
    assert (found.name, found.state, found.message) == ("own-mine", state, message)
    assert found.gates is False
    assert found.place == f"{FOLDER}/mine.toml"
    assert (found.hint is None) == (state in ("ok", "skipped"))


def test_json_gives_the_hint(tree: Tree) -> None:
    script(tree, """printf "{\\"message\\": \\"m\\", \\"hint\\": \\"Do this.\\"}"; exit 1""")
    assert only(tree).hint == "Do this."


def test_one_that_is_required_gates(tree: Tree) -> None:
    script(tree, "exit 1", "required = true\nasks = 'Is the cluster there?'")
    found = only(tree)
    assert (found.gates, found.asks) == (True, "Is the cluster there?")
    assert verdict([found.check()]).state == "failed"


def test_one_that_is_not_required_degrades(tree: Tree) -> None:
    script(tree, "exit 1")
    assert verdict([only(tree).check()]).state == "degraded"


def test_one_that_hangs_fails_in_its_time(tree: Tree) -> None:
    script(tree, "trap : TERM; sleep 600", "timeout_s = 1")
    began = time.monotonic()
    found = only(tree)
    assert time.monotonic() - began < 30
    assert (found.state, found.message) == ("failed", "It did not end within 1 s.")


@pytest.mark.parametrize(
    "flood",
    [
        "head -c 100000000 /dev/zero",
        "head -c 100000000 /dev/urandom",
        'yes \'{"message": "x"}\' | head -c 50000000',
        "printf '{\"message\": \"'; head -c 5000000 /dev/zero | tr '\\0' x; printf '\"}'",
        "head -c 15000 /dev/zero | tr '\\0' '['",
        "printf '\\033]0;owned\\007\\033[2J\\377\\376 \\342\\200\\256'",
        'printf \'{"message": "\\\\u0000\\\\u001b[31m\\\\n two"}\'',
        "printf '\\n\\n\\n'",
        'printf \'{"message": "\\\\ud800"}\'',
        "printf 1e999",
        "head -c 9000 /dev/zero | tr '\\0' 9",
        "printf 'NaN'",
    ],
)
@pytest.mark.parametrize("status", [0, 1])
def test_whatever_it_prints_is_one_safe_line(tree: Tree, flood: str, status: int) -> None:
    put(tree, f"argv = ['/bin/sh', '-c', {toml(f'{flood}; exit {status}')}]\ntimeout_s = 60")
    found = only(tree)
    assert found.state == ("failed" if status else "ok")
    assert found.message.isprintable()
    assert found.message.endswith(".")
    assert len(found.message) <= 400


def toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_rights_are_not_those_of_root(tree: Tree) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has rights to drop")
    script(tree, "id -u; id -G")
    assert only(tree).message == f"{ask.unprivileged().uid}."  # type: ignore[union-attr]


BROKEN: list[tuple[str, str]] = [
    ("argv = [", "it is not valid TOML"),
    ("", "argv must be a list of 1 to 64 words"),
    ("argv = []", "argv must be a list of 1 to 64 words"),
    ("argv = 'true'", "argv must be a list of 1 to 64 words"),
    ("argv = ['true']", "argv must begin with the whole path of a program"),
    ("argv = ['/bin/true', 7]", "each word of argv must be text"),
    ("argv = ['/bin/true', \"\\u0000\"]", "each word of argv must be text"),
    ("argv = ['/bin/true']\ntimeout_s = 0", "timeout_s must be a number from 1 to 120"),
    ("argv = ['/bin/true']\ntimeout_s = 121", "timeout_s must be a number from 1 to 120"),
    ("argv = ['/bin/true']\ntimeout_s = nan", "timeout_s must be a number from 1 to 120"),
    ("argv = ['/bin/true']\ntimeout_s = true", "timeout_s must be a number from 1 to 120"),
    ("argv = ['/bin/true']\ntimeout_s = '5'", "timeout_s must be a number from 1 to 120"),
    ("argv = ['/bin/true']\nrequired = 'yes'", "required must be true or false"),
    ("argv = ['/bin/true']\ntimeout = 3", "the key timeout is not known, did you mean timeout_s"),
    ("argv = ['/bin/true']\nuser = 'root'", "the key user is not known"),
    ("argv = ['/bin/true']\nasks = ''", "asks must be one line"),
    ("argv = ['/bin/true']\nasks = \"a\\nb\"", "asks must be one line"),
    ("a" * 20_000, "it is longer than 16384 bytes"),
    ("x = " + "[" * 3000, "it is not valid TOML"),
    ("timeout_s = " + "9" * 5000, "it is not valid TOML: a number in it is too long"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_a_file_with_a_mistake_degrades_and_no_more(tree: Tree, text: str, reason: str) -> None:
    put(tree, text)
    found = only(tree)
    assert found.state == "degraded"
    assert found.gates is False
    assert found.message.startswith(f"{FOLDER}/mine.toml is not used: {reason}")
    assert verdict([found.check()]).state == "degraded"


def test_a_mistake_beside_required_still_does_not_gate(tree: Tree) -> None:
    put(tree, "argv = ['/bin/false']\nrequired = true\ntimeout_s = 'x'")
    assert only(tree).gates is False


def test_text_that_is_none(tree: Tree) -> None:
    tree.put(f"{FOLDER}/mine.toml", b"\xff\xfe")
    assert "not UTF-8" in only(tree).message


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o622, 0o777])
def test_a_file_that_others_write_is_refused(tree: Tree, mode: int) -> None:
    put(tree, "argv = ['/bin/true']").chmod(mode)
    found = only(tree)
    assert (found.state, found.gates) == ("degraded", False)
    assert f"others may write to it (mode {mode:04o})" in found.message


def test_a_folder_that_others_write_is_refused(tree: Tree) -> None:
    put(tree, "argv = ['/bin/true']").parent.chmod(0o777)
    found = only(tree)
    assert found.message == f"{FOLDER} is not used: others may write to it (mode 0777)."


def test_somebody_elses_file_is_refused(tree: Tree) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(put(tree, "argv = ['/bin/true']"), 1000, 1000)
    assert "it belongs to user 1000" in only(tree).message


def test_a_link_is_refused(tree: Tree) -> None:
    put(tree, "argv = ['/bin/true']", "real.txt")
    tree.link(f"{FOLDER}/mine.toml", "real.txt")
    assert "it is a link" in only(tree).message


def test_a_folder_that_is_a_link_is_refused(tree: Tree) -> None:
    put(tree, "argv = ['/bin/true']")
    tree.path(FOLDER).rename(tree.path("/etc/codex/elsewhere"))
    tree.link(FOLDER, "elsewhere")
    assert "it is a link" in only(tree).message


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "loop"])
def test_what_is_no_file_is_refused(tree: Tree, kind: str) -> None:
    put(tree, "", "other")
    path = tree.path(f"{FOLDER}/mine.toml")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, 0o140644)
    else:
        path.symlink_to("mine.toml")
    assert only(tree).state == "degraded"


@pytest.mark.parametrize(
    "name",
    ["A.toml", "a b.toml", "ä.toml", "\x1b[2J.toml", "a" * 41 + ".toml", "-x.toml", "..toml.toml"],
)
def test_names(tree: Tree, name: str) -> None:
    put(tree, "argv = ['/bin/true']", name)
    found = ask.everything(tree.root, {})
    if name.startswith("."):
        assert found == []
        return
    (result,) = found
    assert (result.name, result.state) == ("own-file.1", "degraded")
    assert result.message.isprintable()


def test_other_files_are_left_alone(tree: Tree) -> None:
    for name in ("README", "mine.toml~", ".mine.toml.swp", ".x.toml", "probe.sh"):
        put(tree, "nonsense [", name)
    assert ask.everything(tree.root, {}) == []


def test_too_many_files(tree: Tree) -> None:
    for number in range(200):
        put(tree, "nonsense", f"p{number:03}.toml")
    found = ask.everything(tree.root, {})
    assert len(found) == own.MOST + 1
    assert "too many" in found[-1].message
    assert all(result.state == "degraded" for result in found)


def program(folder: Path, mode: int = 0o755) -> Path:
    path = folder / "program"
    path.write_text("#!/bin/sh\necho run\n")
    path.chmod(mode)
    return path


def test_a_program_that_others_write_is_not_started(tree: Tree, open_folder: Path) -> None:
    path = program(open_folder, 0o777)
    put(tree, f"argv = ['{path}']\nrequired = true")
    found = only(tree)
    assert (found.state, found.gates) == ("degraded", False)
    assert "is not started: others may write to it" in found.message


def test_a_program_in_a_folder_that_others_write(tree: Tree, open_folder: Path) -> None:
    put(tree, f"argv = ['{program(open_folder)}']")
    assert only(tree).message == "Run."
    open_folder.chmod(0o777)
    assert f"others may write to {open_folder}" in only(tree).message


def test_a_link_to_a_program_counts_as_what_it_leads_to(tree: Tree, open_folder: Path) -> None:
    path = program(open_folder)
    (open_folder / "link").symlink_to("program")
    put(tree, f"argv = ['{open_folder}/link']")
    assert only(tree).message == "Run."
    path.chmod(0o757)
    assert only(tree).state == "degraded"


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_program_that_is_not_executable(tree: Tree, open_folder: Path, mode: int) -> None:
    put(tree, f"argv = ['{program(open_folder, mode)}']")
    found = only(tree)
    assert found.state == "degraded"
    assert "is not executable" in found.message


def test_a_program_that_is_only_roots(tree: Tree, open_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has rights to drop")
    put(tree, f"argv = ['{program(open_folder, 0o700)}']")
    found = only(tree)
    assert (found.state, found.message) == ("failed", "It cannot be started: permission denied.")


@pytest.mark.parametrize("path", ["/nonexistent/x", "/proc/self/mem/x", "/" + "a" * 4000])
def test_a_program_that_is_not_there(tree: Tree, path: str) -> None:
    """The operator has said that a boot needs it; a version without it is not a good one."""
    put(tree, f"argv = ['{path}']\nrequired = true")
    found = only(tree)
    assert (found.state, found.gates) == ("failed", True)
    assert "cannot be started" in found.message


def test_all_together_have_an_end(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "OWN_TOTAL_S", 2.9)
    for number in range(4):
        put(tree, "argv = ['/bin/sleep', '600']\ntimeout_s = 1", f"p{number}.toml")
    began = time.monotonic()
    found = ask.everything(tree.root, {})
    assert time.monotonic() - began < 30
    told = [result.message for result in found]
    assert told.count("It did not end within 1 s.") == 2
    assert sum("was not asked" in message for message in told) == 2


def test_a_defect_of_ours_is_that_probes_answer(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tree, "argv = ['/bin/true']\nrequired = true")

    def defect(*_: object) -> None:
        raise RuntimeError("x")

    monkeypatch.setattr(own, "ask", defect)
    found = only(tree)
    assert (found.state, found.gates) == ("failed", True)
    assert found.message == "A defect of this program: RuntimeError: x."


def test_a_name_that_is_no_text(tree: Tree) -> None:
    put(tree, "")
    tree.path(f"{FOLDER}/mine.toml").rename(tree.path(f"{FOLDER}/\udcff\udcfe.toml"))
    found = only(tree)
    assert found.message.startswith(f"{FOLDER}/??.toml is not used: its name")


def test_one_that_is_broken_does_not_silence_the_others(tree: Tree) -> None:
    put(tree, "nonsense", "a.toml")
    put(tree, "argv = ['/bin/true']", "b.toml")

    def defect() -> Any:
        raise ZeroDivisionError("division by zero")

    found = {r.name: r for r in ask.everything(tree.root, {**ask.built_in(tree.root),
                                                           probes.TIME: defect})}  # fmt: skip
    assert found["own-b"].state == "ok"
    assert found["own-a"].state == "degraded"
    assert found["time"].state == "unknown"
    assert "ZeroDivisionError" in found["time"].message


def test_roles_lay_theirs_below_usr_and_the_operators_file_of_a_name_wins(tree: Tree) -> None:
    tree.put(f"{own.VENDOR}/guard.toml", "argv = ['/bin/vendor']")
    tree.put(f"{own.VENDOR}/other.toml", "argv = ['/bin/other']")
    tree.put(f"{FOLDER}/guard.toml", "argv = ['/bin/mine']")
    good, bad = own.load(tree.root)
    assert bad == []
    assert [(probe.name, probe.argv) for probe in good] == [
        ("own-guard", ("/bin/mine",)), ("own-other", ("/bin/other",)),
    ]  # fmt: skip


def test_a_broken_file_of_the_operator_does_not_bring_back_the_other(tree: Tree) -> None:
    tree.put(f"{own.VENDOR}/guard.toml", "argv = ['/bin/vendor']")
    tree.put(f"{FOLDER}/guard.toml", "argv = ")
    good, (bad,) = own.load(tree.root)
    assert good == []
    assert bad.name == "own-guard"

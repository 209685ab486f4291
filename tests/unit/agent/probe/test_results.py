# SPDX-License-Identifier: Apache-2.0
"""What the probes found: its schema, how it is kept and read, and what it does to a verdict."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.cli import main
from codex_agent.cli import probe as command
from codex_agent.host import checks, probes
from codex_agent.host.probes import ASKED, GPU, NETWORK, PLACE, PROBES, TIME, Result
from codex_agent.probe import ask
from tests.unit.agent import trees

if TYPE_CHECKING:
    from tests.unit.agent.trees import Tree

SCHEMA = json.loads((Path(ask.__file__).parent / "results.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def result(probe: probes.Probe = GPU, state: Any = "failed", message: str = "No.") -> Result:
    return Result(probe.name, probe.asks, state, message, "Look.", probe.gates, 60.0, 1.5)


def check(tree: Tree, name: str) -> Any:
    return next(c for c in tree.sample().host.verdict.checks if c.name == name)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_is_asked_here_fits_the_schema(tree: Tree) -> None:
    """Real probes, and an operator's own, good, bad and broken."""
    trees.image(tree)
    for name, text in {
        "a": "argv = ['/bin/true']", "b": "argv = ['/bin/false']\nrequired = true",
        "c": "nonsense", "d": "argv = ['/bin/sh', '-c', 'exit 77']",
    }.items():  # fmt: skip
        tree.put(f"/etc/codex/probes.d/{name}.toml", text)
    tree.put("/etc/codex/probes.d/E F\x1b.toml", "")
    ours = {probe: make for probe, make in ask.built_in(tree.root).items() if probe != NETWORK}
    found = ask.everything(tree.root, ours)
    assert len(found) == 7
    VALIDATOR.validate(ask.document(tree.root, found))


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", "fine"), ("name", "A b"), ("message", "no end"), ("message", "a\nb."), ("hint", ""),
     ("gates", 1), ("took_s", -1), ("limit_s", "1"), ("asks", ""), ("place", 7), ("more", 1)],
)  # fmt: skip
def test_the_schema_refuses(tree: Tree, key: str, value: object) -> None:
    document = ask.document(tree.root, [result()])
    VALIDATOR.validate(document)
    document["results"][0][key] = value
    assert not VALIDATOR.is_valid(document)


def test_each_check_of_the_verdict_is_a_probe(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    found = tree.sample().host.verdict.checks
    assert [c.name for c in found] == list(PROBES)
    assert all(c.gates == PROBES[c.name].gates for c in found)
    assert all(p.asks.endswith("?") for p in PROBES.values())


def test_kept_and_read_again(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    found = [result(), result(TIME, "ok"), replace(result(NETWORK, "skipped"), hint=None)]
    ask.keep(tree.root, found)
    path = tree.path(PLACE)
    assert path.stat().st_mode & 0o777 == 0o644
    asked = probes.parse(path.read_text())
    assert asked.results == found
    assert asked.monotonic_s == tree.clock.monotonic()
    host = tree.sample().shown(tree.clock.monotonic())
    assert host.verdict.state == "failed"
    assert check(tree, "gpu").message == "No."
    assert host.readings["probes"].source == PLACE


@pytest.mark.parametrize(
    ("probe", "state", "verdict"),
    [(GPU, "failed", "failed"), (GPU, "unknown", "unknown"), (GPU, "degraded", "degraded"),
     (NETWORK, "failed", "failed"), (TIME, "failed", "degraded"), (TIME, "unknown", "unknown"),
     (GPU, "skipped", "healthy")],
)  # fmt: skip
def test_what_it_makes_of_the_verdict(
    tree: Tree, probe: probes.Probe, state: str, verdict: str
) -> None:
    trees.probed(trees.image_secure_boot(tree), result(probe, state))
    assert tree.sample().host.verdict.state == verdict


def test_an_image_that_did_not_ask_is_unknown(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    tree.remove(PLACE)
    assert tree.sample().host.verdict.state == "unknown"
    found = check(tree, "gpu")
    assert "they were not asked since the start" in found.message
    assert "codex-probes.service" in found.hint


def test_another_host_need_not_ask(tree: Tree) -> None:
    trees.mutable_host(tree)
    assert {check(tree, p.name).state for p in ASKED} == {"skipped"}


def test_one_that_is_missing_is_unknown(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    ask.keep(tree.root, [result(TIME, "ok"), result(NETWORK, "ok")])
    assert (check(tree, "gpu").state, check(tree, "gpu").gates) == ("unknown", True)


def test_an_old_answer_says_so_whatever_the_clock_did(tree: Tree) -> None:
    tree.clock.passed = 10_000
    trees.probed(trees.image_secure_boot(tree), result(GPU, "ok", "It answers."), age_s=7300)
    assert check(tree, "gpu").message == "It answers. This was 2 h ago."
    real = tree.clock.wall
    tree.clock.wall = lambda: real() - 1e7  # type: ignore[method-assign]
    assert check(tree, "gpu").message == "It answers. This was 2 h ago."


def test_what_another_start_left_does_not_count(tree: Tree) -> None:
    trees.probed(trees.image_secure_boot(tree), age_s=-5)
    assert "another start" in check(tree, "gpu").message
    assert tree.sample().host.verdict.state == "unknown"


VALID = json.dumps(
    {"schema": 1, "taken_at": "x", "monotonic_s": 1.0,
     "results": [{"name": "gpu", "asks": "?", "state": "ok", "message": "m.", "hint": None,
                  "gates": True, "limit_s": 1, "took_s": 0, "place": None}]}
)  # fmt: skip


def test_the_control_of_what_follows() -> None:
    assert probes.parse(VALID).results[0].name == "gpu"


@pytest.mark.parametrize(
    ("old", "new"),
    [('"schema": 1', '"schema": 2'), ('"schema": 1, ', ""), ('"results": [', '"results": [7, '),
     ('"monotonic_s": 1.0', '"monotonic_s": NaN'), ('"monotonic_s": 1.0', '"monotonic_s": -1'),
     ('"monotonic_s": 1.0', f'"monotonic_s": {10**400}'), ('"gpu"', '""'), ('"gpu"', "7"),
     ('"ok"', '"fine"'), ('"ok"', '["ok"]'), ('"ok"', "{}"), ("true", "1"), ("true", "null"),
     ('"m."', '"\\u001b[2J"'), ('"m."', '"' + "x" * 2000 + '"'), ('"took_s": 0', '"took_s": true'),
     ('"took_s": 0', '"took_s": "0"'), ('"results"', '"other"'), ("{", "["), ("}]}", "}")],
)  # fmt: skip
def test_a_broken_file_is_told_and_unknown(tree: Tree, old: str, new: str) -> None:
    assert old in VALID
    with pytest.raises(ValueError, match=r"\w"):
        probes.parse(VALID.replace(old, new))
    trees.image_secure_boot(tree)
    tree.put(PLACE, VALID.replace(old, new))
    assert tree.sample().host.verdict.state == "unknown"
    assert "unexpected content" in check(tree, "gpu").message


def test_two_of_one_name_are_refused() -> None:
    content = json.loads(VALID)
    content["results"] *= 2
    with pytest.raises(ValueError, match="one name"):
        probes.parse(json.dumps(content))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        lambda s: (
            st.lists(s, max_size=3)
            | st.dictionaries(st.sampled_from(["schema", "results", "name", "state"]), s)
        ),
    )
)
def test_any_json_is_refused_or_read(content: object) -> None:  # fmt: skip
    try:
        found = probes.parse(json.dumps(content))
    except ValueError:
        return
    assert math.isfinite(found.monotonic_s)


def test_an_operators_check_decides_as_it_says() -> None:
    own = replace(result(), name="own-x", gates=True)
    assert checks.verdict([own.check()]).state == "failed"
    assert checks.verdict([replace(own, gates=False).check()]).state == "degraded"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tree: Tree) -> Tree:
    """The command asks a tree, and this process stays as it is."""
    trees.image(tree)
    tree.remove(PLACE)
    monkeypatch.setattr(command, "Root", lambda: tree.root)
    monkeypatch.setattr(ask, "confine", lambda: None)
    monkeypatch.setattr(ask, "built_in", lambda root: {GPU: lambda: result(GPU, "ok").check()})
    return tree


def test_the_command(asked: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["probe"]) == 0
    assert capsys.readouterr().out.startswith("ok        gpu No. 0.0 s (a boot needs it)")
    assert not asked.path(PLACE).exists()
    asked.put("/etc/codex/probes.d/mine.toml", "argv = ['/bin/false']")
    assert main.main(["probe", "--json", "--keep"]) == 1
    printed = json.loads(capsys.readouterr().out)
    VALIDATOR.validate(printed)
    assert json.loads(asked.path(PLACE).read_text())["results"] == printed["results"]
    assert main.main(["probe", "own-mine"]) == 1
    out = capsys.readouterr().out
    assert "hint: See /etc/codex/probes.d/mine.toml" in out
    assert "gpu" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nonsense"], "There is no probe nonsense."), (["gpu", "--keep"], "Only all answers")],
)
def test_the_command_refuses(
    asked: Tree, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main.main(["probe", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not asked.path(PLACE).exists()

# SPDX-License-Identifier: Apache-2.0
"""The agent's files cost one question where nothing is stale, and are announced where it is."""

from __future__ import annotations

import pytest

from tests.unit.roles.apply import needs_ansible, needs_root
from tests.unit.roles.layers import Layer, Ran, role
from tests.unit.roles.test_remove import paths

pytestmark = [needs_ansible, needs_root]

PLAY = [role("preflight"), role("codex_agent", "files")]
# What the role reads for each release; its package is not part of this.
RELEASE = ["--extra-vars", "__codex_agent_given=ImportCredential"]
UNIT = "/usr/lib/systemd/system/codex-agent.service"


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Layer:
    return Layer(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def runs(layer: Layer) -> dict[str, Ran]:
    before = layer.written()
    dry = layer.play(PLAY, "--check", "--diff", *RELEASE)
    assert layer.written() == before, "a dry run wrote something"
    found = {"dry": dry, "first": layer.play(PLAY, *RELEASE), "second": layer.play(PLAY, *RELEASE)}
    layer.write(UNIT, "altered\n")
    return {**found, "altered": layer.play(PLAY, *RELEASE)}


def test_a_dry_run_announces_what_the_run_does(runs: dict[str, Ran]) -> None:
    assert runs["dry"].message == runs["first"].message == ""
    assert runs["dry"].changed == runs["first"].changed != []


def test_a_second_run_changes_nothing(runs: dict[str, Ran]) -> None:
    assert (runs["second"].message, runs["second"].changed) == ("", [])


def test_what_was_altered_is_written_again(layer: Layer, runs: dict[str, Ran]) -> None:
    assert "files : Changed" in runs["altered"].changed
    assert "altered" not in layer.text(UNIT)


def test_every_file_of_the_ledger_is_there(layer: Layer, runs: dict[str, Ran]) -> None:
    wanted = {name for name in paths("codex_agent") if not name.startswith("/etc/")}
    assert all((layer.upper / name.lstrip("/")).exists() for name in wanted)


def test_a_file_that_is_not_the_roles_stays_away(layer: Layer, runs: dict[str, Ran]) -> None:
    known = {name.lstrip("/") for name in paths("codex_agent")}
    noise = ("root", "tmp", "var/tmp")
    assert {name for name in layer.written() if not name.startswith(noise)} <= known

# SPDX-License-Identifier: Apache-2.0
"""The scenarios' configuration fits what is there: playbooks, tests, machines and variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from builder import role_tests
from builder.host_disk import SUITES
from builder.paths import Paths
from builder.role_tests import PREFIX, RoleTests
from builder.settings import Settings
from builder.tree import Tree
from builder.version import Version

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests/molecule"
SCENARIOS = sorted(path.parent.name for path in FOLDER.glob("*/molecule.yml"))
BASE: Any = yaml.safe_load((FOLDER / "config.yml").read_text())


def _own(scenario: str) -> Any:
    return yaml.safe_load((FOLDER / scenario / "molecule.yml").read_text())


def _sequence(scenario: str) -> list[str]:
    own = _own(scenario).get("scenario", {})
    found: list[str] = own.get("test_sequence", BASE["scenario"]["test_sequence"])
    return found


def test_every_release_goes_the_whole_way() -> None:
    steps = [step.split()[0] for step in BASE["scenario"]["test_sequence"]]
    assert steps == ["syntax", "create", "prepare", "check", "converge", "idempotence", "verify",
                     "side_effect", "verify", "cleanup", "destroy"]  # fmt: skip
    assert set(SUITES) <= set(SCENARIOS)
    assert all("scenario" not in _own(suite) for suite in SUITES)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_machine_is_the_one_that_the_builder_ends(scenario: str) -> None:
    [platform] = _own(scenario)["platforms"]
    assert platform["name"] == f"{PREFIX}{scenario}"
    assert platform["groups"] == ["judged"]
    assert platform["suite"] == role_tests.release(scenario)
    assert platform["suite"] in SUITES


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_there_are_tests_where_they_are_looked_for(scenario: str) -> None:
    """Molecule passes over a folder without tests, and says that all is well."""
    verifier = {**BASE["verifier"], **_own(scenario).get("verifier", {})}
    for step in _sequence(scenario):
        name, *words = step.split()
        if name != "verify":
            continue
        folder = FOLDER / scenario / (words[0] if words else verifier["directory"])
        assert list(folder.glob("test_*.py")), folder
    for pattern in verifier["additional_files_or_dirs"]:
        assert list((FOLDER / scenario / verifier["directory"]).glob(pattern)), pattern


def test_playbooks_are_there() -> None:
    for name, path in BASE["provisioner"]["playbooks"].items():
        assert (FOLDER / "trixie" / path).is_file(), name


def test_every_variable_is_one_that_the_builder_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    version = Version("0.1.7", "c" * 40, 1)
    monkeypatch.setattr(role_tests, "version_of", lambda paths: version)
    paths = Paths(ROOT)
    tests = RoleTests(paths, Settings(), Tree(paths))
    given = set(tests.environment("trixie")) | {"CODEX_TOLD"}
    named: set[str] = set()
    for path in [*FOLDER.rglob("*.yml"), *FOLDER.rglob("*.py")]:
        named |= set(re.findall(r"\bCODEX_[A-Z_]+", path.read_text()))
    assert named <= given
    assert len(named) > 5


def test_variables_stay_text_when_they_are_empty() -> None:
    """Without quotes an empty one would be null, which no role takes."""
    text = (FOLDER / "config.yml").read_text()
    for line in re.findall(r"^ +\w+_package: (.*)$", text, re.MULTILINE):
        assert line.startswith('"'), line


def test_host_keys_are_checked() -> None:
    assert "-o StrictHostKeyChecking=yes" in BASE["driver"]["ssh_connection_options"]
    # Ansible would put its own `no` before it.
    assert BASE["provisioner"]["config_options"]["defaults"]["host_key_checking"] is True

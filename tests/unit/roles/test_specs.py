# SPDX-License-Identifier: Apache-2.0
"""The variables of the roles are said once, and everything that repeats them agrees."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.playbook import REPOSITORY
from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(path.parent.parent.name for path in ROLES.glob("*/meta/main.yml"))
# How Ansible's names of types are written in Python.
TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str, "bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict,
}  # fmt: skip


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else None


def options(role: str) -> dict[str, dict[str, Any]]:
    found = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return dict(found)


def defaults(role: str) -> dict[str, Any]:
    return load(ROLES / role / "defaults/main.yml") or {}


def test_there_are_roles() -> None:
    assert {"preflight", "host_base", "codex_agent"} <= set(NAMES)


@pytest.mark.parametrize("role", NAMES)
def test_every_option_has_a_default_and_every_default_an_option(role: str) -> None:
    expected = {name for name, option in options(role).items() if not option.get("required")}
    assert set(defaults(role)) == expected


@pytest.mark.parametrize("role", NAMES)
def test_defaults_have_the_type_of_their_option(role: str) -> None:
    for name, option in options(role).items():
        value = defaults(role)[name]
        assert isinstance(value, TYPES[option["type"]]), name
        assert option["type"] == "bool" or not isinstance(value, bool), name
        assert value in option.get("choices", [value]), name


@pytest.mark.parametrize("role", NAMES)
def test_options_carry_the_name_of_their_role_and_a_meaning(role: str) -> None:
    for name, option in options(role).items():
        assert name.startswith(f"{role}_")
        assert option["description"]


# `packages` and `files` are given their variables by the roles that call them, and judged then.
@pytest.mark.parametrize(
    "role", [name for name in NAMES if name not in ("preflight", "packages", "files")]
)
def test_variables_are_checked_before_the_first_role(role: str) -> None:
    specs = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]
    assert specs["preflight"] == specs["main"]
    (play,) = load(REPOSITORY / "playbooks/host.yml")
    assert role in checked(play)


def checked(play: Any) -> list[str]:
    parts = [task.get("ansible.builtin.import_role", {}) for task in play["pre_tasks"]]
    return [part["name"] for part in parts if part.get("tasks_from") == "preflight"]


@pytest.mark.parametrize("name", ["site", "host"])
def test_every_role_is_checked_before_the_first(name: str) -> None:
    (play,) = load(REPOSITORY / f"playbooks/{name}.yml")
    applied = [entry["role"] for entry in play["roles"]]
    assert set(applied) <= set(checked(play))
    assert name == "host" or checked(play) == applied


def test_a_host_gets_what_the_image_gets() -> None:
    (site,) = load(REPOSITORY / "playbooks/site.yml")
    (host,) = load(REPOSITORY / "playbooks/host.yml")
    assert {entry["role"] for entry in site["roles"]} <= {entry["role"] for entry in host["roles"]}


def test_what_roles_ask_apt_for_is_known_beforehand() -> None:
    """A package that the host is told to keep away is refused before the first change."""
    (play,) = load(REPOSITORY / "playbooks/host.yml")
    known = play["vars"]["preflight_packages"]
    listed = {name for role in NAMES for name in options(role) if name.endswith("_packages")}
    for name in listed - {"preflight_packages", "ledger_packages"}:
        assert name in known
    for name in ("codex-agent", "dkms", "podman", "docker.io", "nftables", "unattended-upgrades"):
        assert f"'{name}'" in known


def test_preflight_knows_every_role() -> None:
    assert load(ROLES / "preflight/vars/main.yml")["__preflight_roles"] == NAMES


def test_variables_of_the_image_and_of_the_example_exist() -> None:
    known = {name for role in NAMES for name in options(role)}
    places = [REPOSITORY / "playbooks/group_vars/image.yml"]
    places += (REPOSITORY / "playbooks/inventory.example/group_vars").glob("*.yml")
    for place in places:
        assert set(load(place)) <= known, place


def test_readmes_are_fresh() -> None:
    command = [sys.executable, str(ROLES / "readme.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# Nothing in `files` is of a release.
@pytest.mark.parametrize("role", [name for name in NAMES if name not in ("preflight", "files")])
def test_every_release_that_preflight_knows_has_its_variables(role: str) -> None:
    known = load(ROLES / "preflight/vars/main.yml")
    releases = [*known["__preflight_releases"].items(), *known["__preflight_untested"].items()]
    wanted = {f"{name.lower()}-{n.partition('.')[0]}" for name, found in releases for n in found}
    files = {path.stem: set(load(path)) for path in (ROLES / role / "vars").glob("*-*.yml")}
    assert set(files) == wanted
    assert len({frozenset(names) for names in files.values()}) == 1

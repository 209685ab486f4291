# SPDX-License-Identifier: Apache-2.0
"""Roles for hosts alone: dry runs are true, second runs change nothing, bad input is refused."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.playbook import CONTROLLER, PROGRAM
from tests.unit.roles.apply import have, needs_ansible, needs_root
from tests.unit.roles.layers import Layer, Ran, role
from tests.unit.roles.test_remove import paths

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [needs_ansible, needs_root]

NAMES = ["hardening", "ebpf_tools", "container_runtime"]
#: Packages that are there already: no test needs an archive.
THERE = json.dumps({
    "__hardening_packages": ["zstd"],
    "__container_runtime_packages": {"podman": ["zstd"], "docker": ["zstd"]},
})  # fmt: skip
OPTIONS = ["--extra-vars", THERE]
VARIABLES: dict[str, Any] = {
    "ebpf_tools_packages": ["zstd"],
    "hardening_firewall": True,
    "hardening_tcp_ports": [3030],
    "hardening_sources": ["192.0.2.0/24", "2001:db8::/32"],
}
TASKS = [role("preflight"), *map(role, NAMES)]


@pytest.fixture(
    scope="module",
    params=[("podman", CONTROLLER), ("docker", CONTROLLER), ("docker", PROGRAM)],
    ids=["podman", "docker", "docker by Debian's Ansible"],
)
def layer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layer:
    made = Layer(tmp_path_factory.mktemp("host"))
    engine, made.program = request.param
    made.variables = {**VARIABLES, "container_runtime_engine": engine}
    made.write("/etc/ssh/sshd_config.d/99-other.conf", "")
    return made


@pytest.fixture(scope="module")
def runs(layer: Layer) -> dict[str, Ran]:
    before = layer.written()
    dry = layer.play(TASKS, "--check", "--diff", *OPTIONS)
    assert layer.written() == before, "a dry run wrote something"
    return {
        "dry": dry, "first": layer.play(TASKS, *OPTIONS), "second": layer.play(TASKS, *OPTIONS)
    }  # fmt: skip


def test_a_dry_run_announces_what_the_run_does(runs: dict[str, Ran]) -> None:
    assert runs["dry"].message == runs["first"].message == ""
    assert runs["dry"].changed == runs["first"].changed != []


def test_a_second_run_changes_nothing(runs: dict[str, Ran]) -> None:
    assert runs["second"].changed == []


def test_they_wrote_only_what_the_ledger_knows(layer: Layer, runs: dict[str, Ran]) -> None:
    known = {path.lstrip("/") for name in NAMES for path in paths(name)}
    noise = ("etc/ssh/sshd_config.d/99", "var/lib/dpkg", "root", "tmp")
    written = {name for name in layer.written() if not name.startswith(noise)}
    assert written - {"etc/ssh", "etc/ssh/sshd_config.d"} <= known


@pytest.mark.skipif(not have("nft"), reason="nft is not there")
def test_the_kernel_would_take_the_rules(layer: Layer, runs: dict[str, Ran]) -> None:
    rules = layer.upper / "usr/lib/codex/firewall.nft"
    subprocess.run(["unshare", "--net", "nft", "--check", "--file", str(rules)], check=True)


def test_the_rules_let_in_what_was_said(layer: Layer, runs: dict[str, Ran]) -> None:
    rules = layer.text("/usr/lib/codex/firewall.nft")
    assert "policy drop;" in rules
    assert "ip saddr { 192.0.2.0/24 } tcp dport { 22, 3030 } accept" in rules
    assert "ip6 saddr { 2001:db8::/32 } tcp dport { 22, 3030 } accept" in rules


def foreign(layer: Layer) -> None:
    layer.add_package("docker-ce")


def own_settings(layer: Layer) -> None:
    layer.write("/etc/docker/daemon.json", '{"data-root": "/data"}\n')


def nothing(layer: Layer) -> None:
    pass


DOCKER = {"container_runtime_engine": "docker"}
REFUSED: dict[str, tuple[Callable[[Layer], None], dict[str, Any], str]] = {
    "no-group": (
        nothing, {"hardening_ssh_groups": ["nobody-is-in-it"]},
        "could not log in any more: it is in none of hardening_ssh_groups",
    ),
    "no-root": (
        nothing, {"hardening_ssh_root": False},
        "root, as whom Ansible logs in to tree, could not log in any more: it is root",
    ),
    "group-with-words": (
        nothing, {"hardening_ssh_groups": ["root\nPermitRootLogin yes"]}, "has what cannot be one",
    ),
    "port": (nothing, {"hardening_tcp_ports": [70000]}, "has what cannot be one"),
    "source": (nothing, {"hardening_sources": ["0.0.0.0/0 } accept #"]}, "has what cannot be one"),
    "module": (nothing, {"hardening_blocked_modules": ["x\ninstall y"]}, "has what cannot be one"),
    "foreign-engine": (foreign, {}, "has docker-ce, which did not come from its distribution"),
    "own-settings": (own_settings, DOCKER, "has an /etc/docker/daemon.json of its own"),
    "unknown-engine": (nothing, {"container_runtime_engine": "rkt"}, "container_runtime_engine"),
    "size": (nothing, {"container_runtime_log_max": "much"}, "is much, which is no size"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_it_is_refused_before_a_change(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    change, variables, words = REFUSED[name]
    made = Layer(tmp_path_factory.mktemp("refused"))
    made.variables = VARIABLES
    change(made)
    before = made.written()
    tasks = [role("preflight"), *(role(part, "preflight") for part in NAMES), *TASKS[1:]]
    ran = made.play(tasks, *OPTIONS, **variables)
    assert words in ran.message
    assert ran.changed == []
    assert made.written() == before

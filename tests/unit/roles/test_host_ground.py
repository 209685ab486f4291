# SPDX-License-Identifier: Apache-2.0
"""A host whose ground is not firm is refused with one sentence, before a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.roles.apply import ROLES, needs_ansible, needs_root
from tests.unit.roles.layers import Layer, role

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [needs_ansible, needs_root]

GROUND = [role("preflight"), role("preflight", "host")]
DEBIAN = 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION="13 (trixie)"\n'
#: Nothing listens at this port (discard).
DEAD = "Types: deb\nURIs: http://127.0.0.1:9/debian\nSuites: trixie\nComponents: main\n"


def package(name: str, status: str) -> Callable[[Layer], None]:
    return lambda layer: layer.add_package(name, status)


def image(layer: Layer) -> None:
    layer.write("/usr/lib/os-release", DEBIAN + "IMAGE_ID=codex-os\n")
    layer.write("/etc/os-release", DEBIAN + "IMAGE_ID=codex-os\n")


def mirror(layer: Layer) -> None:
    layer.write("/etc/apt/sources.list.d/dead.sources", DEAD)


def nothing(layer: Layer) -> None:
    pass


def unfinished(status: str) -> Callable[[Layer], None]:
    def change(layer: Layer) -> None:
        layer.add_package("leftover", status)
        layer.write("/var/lib/codex-ledger/open", "")

    return change


def group(line: str) -> Callable[[Layer], None]:
    return lambda layer: layer.write("/etc/group", Path("/etc/group").read_text() + line)


HALF = "install ok half-configured"
CASES: dict[str, tuple[Callable[[Layer], None], dict[str, Any], str]] = {
    "good": (nothing, {}, ""),
    "misspelt": (nothing, {"host_base_pakages": []}, "host_base_pakages is no variable of the"),
    "two-misspelt": (
        nothing, {"version_guard_x": 1, "codex_agent_y": 2},
        "codex_agent_y, version_guard_x are no variables of the roles",
    ),
    "wrong-type": (nothing, {"preflight_free_mib": "much"}, "preflight_free_mib"),
    "image": (image, {}, "was booted from an image of Codex OS, whose root is sealed"),
    "full": (nothing, {"preflight_free_mib": 900_000_000}, "MiB, 900000000 are needed. Nothing"),
    "half": (package("leftover", HALF), {}, "packages that are half installed: leftover;"),
    "unpacked": (package("leftover", "install ok unpacked"), {}, "half installed: leftover;"),
    "triggers": (package("leftover", "install ok triggers-pending"), {}, "installed: leftover;"),
    "kernel": (package("linux-image-6.1.0-9-amd64", HALF), {}, "installed: linux-image-6.1.0-9"),
    "kernel-repair": (
        package("linux-image-6.1.0-9-amd64", HALF), {"preflight_repair": True}, "",
    ),
    "other-repair": (
        package("leftover", HALF), {"preflight_repair": True}, "half installed: leftover;",
    ),
    "held": (
        package("chrony", "hold ok not-installed"), {"preflight_packages": ["chrony"]},
        "is told not to install chrony",
    ),
    "held-other": (package("chrony", "hold ok not-installed"), {}, ""),
    "mirror": (mirror, {"preflight_mirror": True}, "cannot fetch the indexes of its mirrors: "),
    "mirror-bundle": (mirror, {}, ""),
    "misspelt-playbook": (
        nothing, {"codex_mor_roles": ["hardening"]}, "codex_mor_roles is no variable of the roles",
    ),
    "no-list": (nothing, {"codex_more_roles": "hardening"}, "codex_more_roles is a list of names"),
    "no-number": (nothing, {"codex_health_tries": "many"}, "codex_health_tries a number from 1 on"),
    # What our own run left, the next one ends; a package that was unpacked by half it cannot.
    "unfinished": (unfinished(HALF), {}, ""),
    "torn": (unfinished("install reinstreq half-installed"), {}, "half installed: leftover;"),
}  # fmt: skip


# What a test cannot bring about in a tree: the answer of the host, and the sentence that it gets.
ANSWERS: dict[str, tuple[list[str], str]] = {
    "sealed": (
        ["mount /usr rw,relatime", "mount /etc ro,relatime", "/usr 9000 100000 90000"],
        "/etc of tree is mounted read-only, so nothing can be installed there. Nothing was",
    ),
    "no-inodes": (
        ["mount /usr rw", "/usr 9000 100000 300"],
        "too little room: /usr can hold 300 files more, 20000 are needed. Nothing was changed.",
    ),
    "no-inodes-counted": (["mount /usr rw", "/usr 9000 0 0"], ""),
    "small-boot": (
        ["mount /usr rw", "/boot 100 100 9"], "/boot has 100 MiB, 200 are needed. Nothing was",
    ),
    "option-like-ro": (["mount /usr rw,errors=remount-ro", "/usr 9000 0 0"], ""),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_a_host_answers_is_understood(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    lines, words = ANSWERS[name]
    tasks = yaml.safe_load((ROLES / "preflight/tasks/place.yml").read_text())[1:]
    known = yaml.safe_load((ROLES / "preflight/vars/main.yml").read_text())
    least = {"preflight_free_mib": 1024, "preflight_boot_free_mib": 200}
    layer = Layer(tmp_path_factory.mktemp("answers"))
    ran = layer.play(tasks, "--extra-vars", json.dumps(
        {**known, **least, "__preflight_place": {"stdout_lines": lines}}
    ))  # fmt: skip
    assert words in ran.message
    assert (ran.message == "") == (words == "")


BASE: dict[str, tuple[Callable[[Layer], None], dict[str, Any], str]] = {
    "good": (nothing, {}, ""),
    "clock": (package("chrony", "install ok installed"), {}, "has chrony, which keeps its clock"),
    "clock-kept": (
        package("chrony", "install ok installed"), {"host_base_time_sync": False}, "",
    ),
    "number": (group("storage:x:600:\n"), {}, "has group storage 600; the group codex is to have"),
    "other-number": (group("codex:x:990:\n"), {}, "has group codex 990; the group codex is to"),
    "number-there": (group("codex:x:990:\n"), {"host_base_group_gid": 990}, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BASE))
def test_host_base_is_refused_before_a_change(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    change, variables, words = BASE[name]
    layer = Layer(tmp_path_factory.mktemp("base"))
    change(layer)
    ran = layer.play([role("preflight"), role("host_base", "preflight")], **variables)
    assert words in ran.message
    assert (ran.message == "") == (words == "")
    assert ran.changed == []


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_is_refused_before_a_change(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    change, variables, words = CASES[name]
    layer = Layer(tmp_path_factory.mktemp("ground"))
    layer.variables = {"preflight_mirror": False, "preflight_free_mib": 1}
    change(layer)
    before = layer.written()
    ran = layer.play(GROUND, **variables)
    assert words in ran.message
    assert (ran.message == "") == (words == "")
    assert ran.changed == []
    assert layer.written() == before

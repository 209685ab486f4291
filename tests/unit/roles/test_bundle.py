# SPDX-License-Identifier: Apache-2.0
"""A bundle that is none, was altered or does not fit is refused with one sentence."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.playbook import CONTROLLER, REPOSITORY
from tests.unit.roles.apply import ROLES, TIMEOUT_S, environment, needs_ansible
from tests.unit.roles.layers import role

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM = {"distribution": "Debian", "major": "", "architecture": "x86_64"}


def here() -> str:
    """Return the number of the Debian that these tests run in; other systems have no bundle."""
    lines = Path("/etc/os-release").read_text().splitlines()
    fields = dict(line.partition("=")[::2] for line in lines)
    return fields["VERSION_ID"].strip('"').partition(".")[0]


def bundle(folder: Path) -> None:
    folder.mkdir()
    (folder / "repo.tar").write_bytes(b"packages")
    about = {"schema": 1, "system": {**SYSTEM, "major": here()}, "agent": "agent.deb",
             "modules": None, "packages": {},
             "repository": {"file": "repo.tar", "size": 8}}  # fmt: skip
    (folder / "bundle.json").write_text(json.dumps(about))
    seal(folder)


def seal(folder: Path) -> None:
    files = [folder / name for name in ("bundle.json", "repo.tar")]
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(sums))


def say(folder: Path, **changed: Any) -> None:
    file = folder / "bundle.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))
    seal(folder)


def nothing(folder: Path) -> None:
    pass


def gone(folder: Path) -> None:
    (folder / "bundle.json").unlink()


def altered(folder: Path) -> None:
    (folder / "repo.tar").write_bytes(b"Packages")


def unnamed(folder: Path) -> None:
    file = folder / "SHA256SUMS"
    file.write_text(file.read_text().splitlines()[0] + "\n")


def newer(folder: Path) -> None:
    say(folder, schema=2)


def other(folder: Path) -> None:
    say(folder, system={**SYSTEM, "major": "7"})


def large(folder: Path) -> None:
    say(folder, repository={"file": "repo.tar", "size": 10**16})


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "good": (nothing, ""),
    "gone": (gone, "which is no folder that `make bundle` made. Nothing was changed."),
    "newer": (newer, "which is no folder that `make bundle` made. Nothing was changed."),
    "altered": (altered, "is not as it was made: repo.tar: FAILED. Nothing was changed."),
    "unnamed": (unnamed, "SHA256SUMS does not name repo.tar. Nothing was changed."),
    "other": (other, "is for Debian 7, and other runs Debian"),
    "large": (large, "MiB, and the bundle needs"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The sentence of the task that failed, for each case: all of them in one run of Ansible."""
    folder = tmp_path_factory.mktemp("bundles")
    hosts = {}
    for name, (change, _) in CASES.items():
        bundle(folder / name)
        change(folder / name)
        hosts[name] = {"ansible_connection": "local", "bundle_path": str(folder / name),
                       "ansible_python_interpreter": "/usr/bin/python3"}  # fmt: skip
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    tasks = [role("preflight"), role("bundle", "preflight")]
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [CONTROLLER, "--inventory", str(folder / "inventory.json"), str(folder / "play.yml")],
        cwd=REPOSITORY,
        env=environment(folder, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
                        ANSIBLE_ROLES_PATH=str(ROLES)),
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout[done.stdout.index("{") :])
    found = dict.fromkeys(CASES, "")
    for play in report["plays"]:
        for task in play["tasks"]:
            for name, result in task["hosts"].items():
                assert not result.get("changed"), (name, task["task"]["name"])
                if result.get("failed") and not found[name]:
                    found[name] = str(result["msg"])
    return found


@needs_ansible
@pytest.mark.parametrize("name", sorted(CASES))
def test_it_is_refused_before_a_change(said: dict[str, str], name: str) -> None:
    words = CASES[name][1]
    assert words in said[name]
    assert (said[name] == "") == (words == "")


def test_a_bundle_is_marked_only_once_it_fits() -> None:
    """Or a second run would find out in its middle that it does not."""
    tasks = yaml.safe_load((ROLES / "bundle/tasks/repository.yml").read_text())
    names = [task["name"] for task in tasks]
    fits = names.index("Refuse a bundle that does not fit")
    assert names.index("Bring the bundle") < fits < names.index("Note which bundle the host has")


@pytest.mark.parametrize("name", ["host", "upgrade"])
def test_apt_reads_the_bundle_alone(name: str) -> None:
    (play,) = yaml.safe_load((REPOSITORY / f"playbooks/{name}.yml").read_text())
    assert "/var/lib/codex-bundle/apt.conf" in play["vars"]["__codex_apt_environment"]
    assert play["roles"][0]["role"] == "bundle"
    # Not for the whole play: `raw` has no environment, and would say so.
    assert "environment" not in play

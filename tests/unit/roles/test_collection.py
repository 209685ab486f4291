# SPDX-License-Identifier: Apache-2.0
"""The collection can be built, installed without a network, and has roles and playbooks only."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.playbook import PROGRAM, REPOSITORY
from tests.unit.roles.apply import TIMEOUT_S, environment, needs_ansible

pytestmark = needs_ansible

GALAXY = Path(PROGRAM).with_name("ansible-galaxy")


def run(folder: Path, *argv: str | Path) -> str:
    done = subprocess.run(
        list(argv),
        env=environment(folder, ANSIBLE_COLLECTIONS_PATH=str(folder / "collections")),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built out of what git keeps."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "clone").mkdir()
    tracked = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "-C", REPOSITORY, "ls-files", "-z"],
        capture_output=True,
        check=True,
    ).stdout
    subprocess.run(
        ["tar", "--create", "--null", "--files-from=-", "--ignore-failed-read",
         f"--file={folder}/clone.tar"],
        cwd=REPOSITORY, input=tracked, check=True,
    )  # fmt: skip
    subprocess.run(
        ["tar", "--extract", f"--file={folder}/clone.tar"], cwd=folder / "clone", check=True
    )
    run(folder, GALAXY, "collection", "build", "--output-path", folder, folder / "clone")
    (found,) = folder.glob("codex-os-*.tar.gz")
    return found


def test_it_holds_roles_and_playbooks_only(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        tops = {name.partition("/")[0] for name in opened.getnames()}
    assert tops == {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "docs", "meta",
                    "playbooks", "roles"}  # fmt: skip


@pytest.mark.parametrize("name", ["site", "host", "upgrade", "check", "remove"])
def test_its_playbooks_find_its_roles(archive: Path, name: str) -> None:
    folder = archive.parent
    if not (folder / "collections").exists():
        run(
            folder,
            GALAXY,
            "collection",
            "install",
            "--offline",
            "-p",
            folder / "collections",
            archive,
        )
    found = run(folder, PROGRAM, "--inventory", "host,", f"codex.os.{name}", "--list-tasks")
    assert "TAGS" in found

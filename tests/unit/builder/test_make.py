# SPDX-License-Identifier: Apache-2.0
"""The Makefile and the script behind it, in a copy of the repository's front."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.builder.conftest import REPOSITORY, Programs


@pytest.fixture
def front(tmp_path: Path) -> Path:
    """Makefile, front door and builder, where a test can lay files beside them."""
    root = tmp_path / "front"
    root.mkdir()
    shutil.copy(REPOSITORY / "Makefile", root)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "images/builder", root / "images/builder", ignore=ignore)
    (root / "images/flavours/general").mkdir(parents=True)
    (root / "tests/unit").mkdir(parents=True)
    return root


def _make(front: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    inherited = {"MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS"}
    return subprocess.run(
        ["make", "-C", str(front), "--no-print-directory", *words],
        env={name: value for name, value in os.environ.items() if name not in inherited},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_lists_every_target_and_variable(front: Path) -> None:
    done = _make(front)
    assert done.returncode == 0
    assert done.stderr == ""
    makefile = (front / "Makefile").read_text()
    targets = makefile.partition("TARGETS := ")[2].partition("\n")[0].split()
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert [word for word in listed if not word.endswith("=")] == [*targets, "help"]
    assert "PORT=" in listed


@pytest.mark.parametrize("target", ["hlep", "tests", "images", "notes.txt"])
def test_unknown_target_is_told_even_if_a_file_has_its_name(front: Path, target: str) -> None:
    (front / "notes.txt").write_text("")
    done = _make(front, target)
    assert done.returncode == 2
    assert f"error: There is no target {target}." in done.stderr
    assert "hint:  `make help` lists them." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("PROT=1", "There is no variable PROT."),
        ("FLAVOUR=x; touch broken", "There is no flavour 'x; touch broken'."),
        ("FLAVOUR=`touch broken`", "There is no flavour '`touch broken`'."),
        ("FLAVOUR=$(touch broken)", "There is no flavour '$(touch broken)'."),
        ("FLAVOUR=it's (", 'There is no flavour "it\'s (".'),
        ("FLAVOUR=*", "There is no flavour '*'."),
        ("TESTS=tests/unit tests/nix", "There are no tests at 'tests/nix'."),
        ("PORT=70000", "PORT=70000 is not possible."),
    ],
)
def test_values_reach_the_builder_as_they_are(front: Path, word: str, sentence: str) -> None:
    done = _make(front, "help", word)
    assert done.returncode == 2
    assert f"error: {sentence}" in done.stderr
    assert not (front / "broken").exists()


def test_value_with_blanks_is_one_value(front: Path) -> None:
    assert _make(front, "help", "TESTS=tests/unit tests").returncode == 0


def test_makefile_itself_is_no_target_that_is_made(front: Path) -> None:
    assert "no target Makefile" not in _make(front, "Makefile").stderr


def _door(front: Path, programs: Programs, *words: str, python: str = "/nowhere/python3") -> str:
    """Run the script with only stand-ins on its PATH and without Debian's Python."""
    script = front / "images/builder/front-door"
    script.write_text(script.read_text().replace("python=/usr/bin/python3", f"python={python}"))
    for name in ("sh", "dirname", "tail"):
        (programs.folder / name).symlink_to(shutil.which(name) or name)
    done = subprocess.run(
        [str(script), *words],
        env={"PATH": str(programs.folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def test_no_python_and_no_way_to_root(front: Path, programs: Programs) -> None:
    programs.add("id", "echo 1000")
    said = _door(front, programs, "run")
    assert said.startswith("1\n")
    assert "error: there is no /nowhere/python3 on this machine." in said
    assert "hint:" in said


def test_no_python_asks_sudo_for_it(front: Path, programs: Programs) -> None:
    programs.add("id", "echo 1000")
    programs.add("sudo")
    assert _door(front, programs, "run").startswith("0\n")
    (call,) = programs.calls("sudo")
    assert call.endswith("front-door run")
    assert "CODEX_VARIABLES" in call


def test_python_that_cannot_be_installed_is_said_with_the_words_of_apt(
    front: Path, programs: Programs
) -> None:
    programs.add("id", "echo 0")
    programs.add("apt-get", "echo 'E: mirror is gone' >&2; exit 100")
    said = _door(front, programs, "run")
    assert said.startswith("1\n")
    assert "E: mirror is gone" in said
    assert "error: apt could not install python3." in said


def test_python_is_installed_when_it_is_missing(front: Path, programs: Programs) -> None:
    programs.add("id", "echo 0")
    python = programs.folder / "python3"
    programs.add("apt-get", f"case $* in *install*) printf '#!/bin/sh\\necho \"$@\"' >{python};"
                 f" /bin/chmod +x {python};; esac")  # fmt: skip
    said = _door(front, programs, "run", "PORT=1", python=str(python))
    assert said.splitlines()[-1] == "-m builder run PORT=1"
    assert len(programs.calls("apt-get")) == 2

# SPDX-License-Identifier: Apache-2.0
"""The agent's package for another release than that of the tools tree."""

import shutil
import subprocess
from pathlib import Path

import pytest
from builder import packages
from builder.packages import TARGETS, Packages, other_python
from builder.paths import Paths
from builder.version import Version

from tests.unit.builder.conftest import HostTree

VERSION = Version("0.1.7", "c" * 40, 1)
DPKG_DEB = shutil.which("dpkg-deb")
needs_dpkg = pytest.mark.skipif(DPKG_DEB is None, reason="there is no dpkg-deb on this machine")


@pytest.fixture
def made(paths: Paths, tree: HostTree, tmp_path: Path) -> Path:
    """A package for bookworm of an agent that is one file."""
    for name in ("page/index.html", "wheels/library.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x = 1\n")
    (paths.root / "codex_agent").mkdir()
    (paths.root / "codex_agent/__init__.py").touch()
    own = Packages(paths, tree)
    target = own.agent_package(VERSION, "bookworm")
    own._pack(target, VERSION, TARGETS["bookworm"], tmp_path / "wheels", tmp_path / "page")
    return target


def _field(package: Path, name: str) -> str:
    argv = ["dpkg-deb", "--field", str(package), name]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@needs_dpkg
def test_it_demands_the_python_of_its_release(made: Path) -> None:
    assert _field(made, "Version") == "0.1.7+deb12"
    assert _field(made, "Depends") == "python3 (>= 3.11), python3 (<< 3.12)"


@needs_dpkg
def test_it_is_compiled_where_it_is_installed_and_leaves_nothing(
    made: Path, tmp_path: Path
) -> None:
    subprocess.run(["dpkg-deb", "--raw-extract", made, tmp_path / "all"], check=True)
    library = tmp_path / "all/usr/lib/codex-agent/lib"
    assert list(library.rglob("*.pyc")) == []
    for name, words, left in (("postinst", ["configure"], True), ("prerm", ["remove"], False)):
        script = tmp_path / "all/DEBIAN" / name
        assert script.stat().st_mode & 0o777 == 0o755
        here = tmp_path / name
        text = script.read_text().replace("/usr/lib/codex-agent/lib", str(library))
        here.write_text(text)
        subprocess.run(["sh", here, *words], check=True)
        assert bool(list(library.rglob("__pycache__"))) is left


def test_postinst_compiles_only_when_it_configures(tmp_path: Path) -> None:
    script = tmp_path / "postinst"
    script.write_text(packages.POSTINST.replace("python3", "false"))
    assert subprocess.run(["sh", script, "abort-upgrade"], check=False).returncode == 0
    assert subprocess.run(["sh", script, "configure"], check=False).returncode != 0


def test_only_wheels_that_the_release_can_load_are_fetched() -> None:
    words = other_python("3.11")
    assert "--python-version=3.11" in words
    assert {"--abi=cp311", "--abi=abi3", "--abi=none"} <= set(words)
    newest = max(int(word.split("_")[2]) for word in words if "manylinux_2_" in word)
    assert newest <= 36, "bookworm has version 2.36 of the C library"

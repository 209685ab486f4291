# SPDX-License-Identifier: Apache-2.0
"""Needs that are told before any work starts."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from builder import preflight
from builder.errors import BuildError
from builder.paths import Paths
from builder.settings import Settings

from tests.unit.builder.conftest import Programs


@pytest.fixture
def machine(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Machine on which everything is as it should be, except the programs."""
    os_release = tmp_path / "os-release"
    os_release.write_text('ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n')
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8388608 kB\nMemAvailable: 8388608 kB\n")
    monkeypatch.setattr(preflight, "OS_RELEASE", os_release)
    monkeypatch.setattr(preflight, "MEMINFO", meminfo)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    _disk(monkeypatch, 50)
    return tmp_path


def _disk(monkeypatch: pytest.MonkeyPatch, gib: float) -> None:
    usage = SimpleNamespace(free=int(gib * (1 << 30)))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


@pytest.fixture
def complete(programs: Programs) -> Programs:
    for name in ("unshare", "mmdebstrap", "git", "apt-get"):
        programs.add(name)
    return programs


def _refused(paths: Paths) -> BuildError:
    with pytest.raises(BuildError) as caught:
        preflight.host(paths)
    assert caught.value.code == 1
    assert caught.value.hint
    return caught.value


def test_good_machine_passes_and_nothing_is_installed(
    machine: Path, complete: Programs, paths: Paths
) -> None:
    preflight.host(paths)
    assert complete.calls("apt-get") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n', "Ubuntu 24.04"),
        ("ID=debian\nVERSION_ID='11'\nPRETTY_NAME='Debian 11'\n", "Debian 11"),
        ("ID=debian\nPRETTY_NAME=trixie/sid\n", "trixie/sid"),
        ("", "an unknown system"),
        (None, "an unknown system"),
    ],
)
def test_other_system(
    machine: Path, complete: Programs, paths: Paths, text: str | None, name: str
) -> None:
    if text is None:
        preflight.OS_RELEASE.unlink()
    else:
        preflight.OS_RELEASE.write_text(text)
    assert _refused(paths).message == f"This is {name}; Codex OS is built on Debian 12 or 13."


def test_other_processor(
    machine: Path, complete: Programs, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="aarch64"))
    assert "aarch64" in _refused(paths).message


def test_no_root(
    machine: Path, complete: Programs, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in _refused(paths).message


@pytest.mark.parametrize("name", ["with blank", "comma,", "quote'", "line\n", "umlaut-ä", "a%b"])
def test_path_that_others_would_misread(
    machine: Path, complete: Programs, paths: Paths, name: str
) -> None:
    assert "The path" in _refused(Paths(paths.root / name)).message


def test_disk_for_a_first_build_and_for_a_later_one(
    machine: Path, complete: Programs, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    _disk(monkeypatch, preflight.DISK_GIB - 0.5)
    assert "a first build needs" in _refused(paths).message
    paths.tools.mkdir()
    preflight.host(paths)
    _disk(monkeypatch, preflight.REBUILD_GIB - 0.5)
    assert "`make clean`" in _refused(paths).hint


def test_memory(machine: Path, complete: Programs, paths: Paths) -> None:
    preflight.MEMINFO.write_text(f"MemAvailable: {(preflight.MEMORY_MIB - 1) << 10} kB\n")
    assert f"{preflight.MEMORY_MIB} are needed" in _refused(paths).message
    preflight.MEMINFO.write_text(f"MemAvailable: {preflight.MEMORY_MIB << 10} kB\n")
    preflight.host(paths)


def test_memory_of_our_guest_counts_as_free(
    machine: Path, complete: Programs, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    preflight.MEMINFO.write_text(f"MemAvailable: {(preflight.MEMORY_MIB - 100) << 10} kB\n")
    monkeypatch.setattr(preflight, "_guests_mib", lambda paths: 100)
    preflight.host(paths)


def test_namespaces_refused(machine: Path, complete: Programs, paths: Paths) -> None:
    complete.add("unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    assert "namespaces" in _refused(paths).message


@pytest.fixture
def bare(complete: Programs, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Machine whose PATH has our stand-ins only, without mmdebstrap and git."""
    for name in ("mmdebstrap", "git"):
        (complete.folder / name).unlink()
    monkeypatch.setenv("PATH", str(complete.folder))
    return complete


def test_missing_programs_are_installed(machine: Path, bare: Programs, paths: Paths) -> None:
    bare.add("apt-get", f"case $* in *install*) for p in mmdebstrap git; do "
             f"/bin/cp {bare.folder}/unshare {bare.folder}/$p; done;; esac")  # fmt: skip
    preflight.host(paths)
    assert bare.calls("apt-get") == [
        "apt-get -q update",
        "apt-get -q -y --no-install-recommends install mmdebstrap git",
    ]


@pytest.mark.parametrize("body", ["exit 100", "exit 0"])
def test_programs_that_cannot_be_installed(
    machine: Path, bare: Programs, paths: Paths, body: str
) -> None:
    bare.add("apt-get", body)
    error = _refused(paths)
    assert error.message == "apt could not install mmdebstrap, git."
    assert "host.log" in error.hint


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::"])
def listener(request: pytest.FixtureRequest) -> Iterator[int]:
    """Port on which somebody listens."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    with socket.socket(family) as listening:
        listening.bind((request.param, 0))
        listening.listen()
        port: int = listening.getsockname()[1]
        yield port


def test_port_that_is_taken(listener: int) -> None:
    with pytest.raises(BuildError, match=f"Port {listener} on 127.0.0.1 is already taken") as error:
        preflight.ports(Settings(port=1 if listener == 2 else 2, ssh_port=listener))
    assert "SSH_PORT=" in error.value.hint
    offered = int(error.value.hint.rpartition("=")[2])
    assert 1 <= offered <= 65535
    assert not preflight.port_taken(offered)


def test_offer_for_the_last_port_is_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "port_taken", lambda number: number == 65535)
    with pytest.raises(BuildError) as error:
        preflight.ports(Settings(port=65535))
    assert error.value.hint.endswith("PORT=30300")

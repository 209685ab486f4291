# SPDX-License-Identifier: Apache-2.0
"""Keys: made once, whole or not at all, and never overwritten. openssl and ssh-keygen are real."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from builder import keys
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, InChild, Programs

PAIRS = [("db.key", "db.crt"), ("ssh", "ssh.pub")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tree: HostTree) -> HostTree:
    """Only one certificate: making four RSA keys tests nothing more."""
    monkeypatch.setattr(keys, "CERTIFICATES", {"db": "Codex OS signature database"})
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.delenv("SUDO_GID", raising=False)
    return tree


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys as a build leaves them: making RSA keys takes longer than all that is done to them."""
    paths = Paths(tmp_path_factory.mktemp("made"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "CERTIFICATES", {"db": "Codex OS signature database"})
        patch.delenv("SUDO_UID", raising=False)
        before = os.umask(0)
        try:
            keys.ensure(paths, HostTree(paths))
        finally:
            os.umask(before)
    return paths.keys


@pytest.fixture
def made(made_once: Path, paths: Paths, quick: HostTree) -> HostTree:
    """Tree of a repository that has its keys already."""
    shutil.copytree(made_once, paths.keys)
    return quick


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _is_whole(folder: Path) -> bool:
    """Whether both pairs are there, fit together, and nothing else lies beside them."""
    assert sorted(_contents(folder)) == ["db.crt", "db.key", "ssh", "ssh.pub"]
    words = ["-noout", "-pubkey", "-in", str(folder / "db.crt")]
    of_certificate = subprocess.check_output(["openssl", "x509", *words])
    of_key = subprocess.check_output(["openssl", "pkey", "-pubout", "-in", folder / "db.key"])
    of_ssh = subprocess.check_output(["ssh-keygen", "-y", "-f", folder / "ssh"]).split()[:2]
    return of_certificate == of_key and of_ssh == (folder / "ssh.pub").read_bytes().split()[:2]


def test_first_build_makes_keys_that_only_the_owner_reads(paths: Paths, made: HostTree) -> None:
    assert _is_whole(paths.keys)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.keys.iterdir()}
    assert modes == {"db.crt": 0o644, "db.key": 0o600, "ssh": 0o600, "ssh.pub": 0o644}
    assert stat.S_IMODE(paths.keys.stat().st_mode) == 0o700
    assert keys.private_names(paths) == ["db.key", "ssh"]
    assert keys.ssh_public(paths).startswith("ssh-ed25519 ")


def test_certificate_is_no_authority_and_has_our_name(paths: Paths, made: HostTree) -> None:
    words = ["openssl", "x509", "-noout", "-text", "-in", str(paths.keys / "db.crt")]
    text = subprocess.check_output(words, text=True)
    assert "CA:FALSE" in text
    assert "Codex OS signature database" in text
    assert "sha256WithRSAEncryption" in text


def test_second_build_changes_nothing(paths: Paths, made: HostTree) -> None:
    before = _contents(paths.keys)
    keys.ensure(paths, made)
    assert _contents(paths.keys) == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o677])
@pytest.mark.parametrize("name", ["db.key", "ssh"])
def test_key_that_others_can_read_is_refused(
    paths: Paths, made: HostTree, name: str, mode: int
) -> None:
    before = _contents(paths.keys)
    (paths.keys / name).chmod(mode)
    with pytest.raises(BuildError, match=f"keys/{name} has mode {mode:04o}") as error:
        keys.ensure(paths, made)
    assert f"chmod 600 {paths.keys / name}" in error.value.hint
    assert _contents(paths.keys) == before
    (paths.keys / name).chmod(0o400)
    keys.ensure(paths, made)


def test_folder_that_others_can_enter_is_refused(paths: Paths, quick: HostTree) -> None:
    paths.keys.mkdir(mode=0o755)
    paths.keys.chmod(0o755)
    with pytest.raises(BuildError, match="has mode 0755") as error:
        keys.ensure(paths, quick)
    assert f"chmod 700 {paths.keys}" in error.value.hint
    assert _contents(paths.keys) == {}


@pytest.mark.parametrize(("private", "public"), PAIRS)
@pytest.mark.parametrize("lost", ["private", "public"])
def test_half_a_pair_is_told_and_left_alone(
    paths: Paths, made: HostTree, private: str, public: str, lost: str
) -> None:
    gone, there = (private, public) if lost == "private" else (public, private)
    (paths.keys / gone).unlink()
    before = _contents(paths.keys)
    with pytest.raises(BuildError, match=f"keys/{there} is there, but keys/{gone} is not") as error:
        keys.ensure(paths, made)
    assert f"Restore keys/{gone} from your backup" in error.value.hint
    assert _contents(paths.keys) == before


@pytest.mark.parametrize("step", range(4))
def test_interruption_between_any_two_renames_is_finished(
    paths: Paths, quick: HostTree, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    done: list[Path] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if len(done) == step:
            raise KeyboardInterrupt
        done.append(target)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            keys.ensure(paths, quick)
    named = {name: data for name, data in _contents(paths.keys).items() if name[0] != "."}
    keys.ensure(paths, quick)
    assert _is_whole(paths.keys)
    assert named.items() <= _contents(paths.keys).items()


KILLED = """
import sys
from pathlib import Path
from builder import keys
from builder.paths import Paths
from tests.unit.builder.conftest import HostTree
keys.CERTIFICATES = {"db": "Codex OS signature database"}
paths = Paths(Path(sys.argv[1]))
keys.ensure(paths, HostTree(paths))
"""


@pytest.mark.parametrize(("program", "private"), [("openssl", "db.key"), ("ssh-keygen", "ssh")])
def test_kill_while_a_key_is_written_leaves_nothing_that_looks_like_one(
    paths: Paths, quick: HostTree, programs: Programs, in_child: InChild, program: str, private: str
) -> None:
    programs.add(program, f"printf half >{paths.keys}/.{private}; kill -9 $PPID; exit 1")
    assert in_child(KILLED, paths.root).returncode == -9
    left = _contents(paths.keys)
    assert left[f".{private}"] == b"half"
    assert private not in left
    (programs.folder / program).unlink()
    keys.ensure(paths, quick)
    assert _is_whole(paths.keys)


def test_program_that_fails_leaves_no_key(
    paths: Paths, quick: HostTree, programs: Programs
) -> None:
    programs.add("openssl", "echo no entropy; exit 3")
    with pytest.raises(BuildError, match="openssl ended with status 3") as error:
        keys.ensure(paths, quick)
    assert "no entropy" in error.value.hint
    assert _contents(paths.keys) == {}


def test_under_sudo_the_keys_belong_to_the_caller(
    paths: Paths, made: HostTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, tuple[int, int, bool]] = {}

    def chown(path: Path, uid: int, gid: int, *, follow_symlinks: bool = True) -> None:
        given[path.name] = (uid, gid, follow_symlinks)

    monkeypatch.setattr(os, "chown", chown)
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "1001")
    keys.ensure(paths, made)
    names = {"keys", "db.key", "db.crt", "ssh", "ssh.pub"}
    assert given == dict.fromkeys(names, (1000, 1001, False))


def test_link_to_a_key_elsewhere_is_not_followed_by_a_change(
    paths: Paths, made: HostTree, tmp_path: Path
) -> None:
    (tmp_path / "vault").mkdir()
    (paths.keys / "db.key").rename(tmp_path / "vault/db.key")
    (paths.keys / "db.key").symlink_to(tmp_path / "vault/db.key")
    keys.ensure(paths, made)
    (tmp_path / "vault/db.key").chmod(0o644)
    with pytest.raises(BuildError, match=r"keys/db.key has mode 0644"):
        keys.ensure(paths, made)

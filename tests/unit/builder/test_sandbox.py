# SPDX-License-Identifier: Apache-2.0
"""The sandbox is real here: what runs in it looks for a key, a way out and something to change."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from builder import sandbox
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder.conftest import REPOSITORY

SECRET = "-----BEGIN PRIVATE KEY----- of a test"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of root's are entered")


#: What the scripts below call; the tree holds these and the libraries that they load.
PROGRAMS = (
    *("sh", "cat", "chroot", "cut", "env", "grep", "id", "ls", "mkdir", "mount", "rm", "setpriv"),
    *("sleep", "sort", "tail", "touch", "tr", "true", "unshare", "wc"),
)


@pytest.fixture(scope="module")
def small_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root of a few programs: a bind mount of this system's would show this system."""
    tree = tmp_path_factory.mktemp("tree")
    tree.chmod(0o755)
    for name in ("usr/bin", "proc", "dev", "run", "tmp", "var/tmp", "mnt", "root", "etc"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "sbin"):
        (tree / name).symlink_to("usr/bin")
    for name in PROGRAMS:
        program = shutil.which(name)
        assert program, name
        shutil.copy(program, tree / "usr/bin" / name)
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
        for library in re.findall(r"(/\S+) \(0x", listed.stdout):
            target = tree / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
    return tree


class Box:
    """A repository with a key, and a tools tree."""

    def __init__(self, paths: Paths, tree: Path) -> None:
        self.paths = paths
        self.log = paths.build / "log"
        self.folder = paths.build / "work"
        self.folder.mkdir()
        os.chown(self.folder, sandbox.NOBODY, sandbox.NOBODY)
        paths.keys.mkdir(mode=0o700)
        (paths.keys / "modules.key").write_text(SECRET)
        (paths.keys / "modules.key").chmod(0o600)
        (paths.keys / "modules.crt").write_text("certificate")
        script = paths.root / "images/builder/in-sandbox"
        script.parent.mkdir(parents=True)
        shutil.copy(REPOSITORY / "images/builder/in-sandbox", script)
        shutil.copytree(tree, paths.tools, symlinks=True)

    def run(self, script: str, *, user: int = sandbox.NOBODY, files: tuple[Path, ...] = ()) -> str:
        """Run a shell script and return what it said."""
        argv = ["sh", "-c", f"exec >/mnt/said 2>&1; {script}"]
        sandbox.run(self.paths, self.folder, argv, log=self.log, user=user, files=files)
        return (self.folder / "said").read_text()


@pytest.fixture
def box(paths: Paths, small_tree: Path) -> Box:
    return Box(paths, small_tree)


def test_control_the_key_is_there_to_be_found(box: Box) -> None:
    assert (box.paths.keys / "modules.key").read_text() == SECRET


def test_step_of_nobody_finds_no_key(box: Box) -> None:
    """By its name, through every process that it sees, by a search of all files, by a mount."""
    root = box.paths.root
    said = box.run(
        f"cat {root}/keys/modules.key; ls {root}; "
        f"for p in /proc/[0-9]*; do cat $p/root{root}/keys/modules.key; ls $p/cwd/keys; done; "
        "grep -rslI -e 'BEGIN PRIVATE KEY' /mnt /run /tmp /etc /root /dev; "
        "mkdir /tmp/d && mount --bind / /tmp/d; unshare --user --map-root-user --mount true; "
        "chroot / true; true"
    )
    assert SECRET not in said
    assert "modules.key\n" not in said.replace(f"{root}/keys/modules.key", "")
    for refusal in ("mount: ", "unshare: ", "chroot: "):
        assert refusal in said


def test_step_is_nobody_alone_and_without_a_network(box: Box) -> None:
    script = (
        "id -u; id -G; grep -E '^(CapPrm|CapBnd|NoNewPrivs)' /proc/self/status; "
        "ls -d /proc/[0-9]* | wc -l; cat /proc/net/dev | tail -n +3 | cut -d: -f1; "
        "env | cut -d= -f1 | sort | tr '\\n' ' '"
    )
    lines = box.run(script).splitlines()
    assert lines[:2] == [str(sandbox.NOBODY)] * 2
    assert [line.split()[1] for line in lines[2:5]] == ["0" * 16, "0" * 16, "1"]
    assert int(lines[5]) <= 4  # itself and the pipe
    assert lines[6].strip() == "lo"
    assert set(lines[7].split()) == {"LANG", "PATH", "PWD"}


def test_step_changes_nothing_but_its_folder(box: Box) -> None:
    said = box.run(
        "touch /usr/bin/x /etc/x /x; echo kept >/mnt/result; echo gone >/tmp/x; "
        "rm -rf /usr/bin/ls; true"
    )
    assert said.count("Read-only file system") + said.count("Permission denied") >= 3
    assert (box.folder / "result").read_text() == "kept\n"
    assert Path("/usr/bin/ls").exists()
    assert list((box.paths.tools / "tmp").iterdir()) == []
    assert list((box.paths.tools / "etc").iterdir()) == []


def test_root_step_reads_the_files_that_it_is_given_and_cannot_write_them(box: Box) -> None:
    files = (box.paths.keys / "modules.key", box.paths.keys / "modules.crt")
    script = "cat /run/modules.key; ls /run; echo x >/run/modules.key; ls /mnt"
    said = box.run(script, user=sandbox.ROOT, files=files)
    assert SECRET in said
    assert "modules.crt\nmodules.key\n" in said
    assert "Read-only file system" in said
    assert (box.paths.keys / "modules.key").read_text() == SECRET


def test_file_is_not_shown_to_nobody_when_only_root_may_read_it(box: Box) -> None:
    said = box.run("cat /run/modules.key; true", files=(box.paths.keys / "modules.key",))
    assert SECRET not in said
    assert "Permission denied" in said


def test_failure_names_the_program(box: Box) -> None:
    with pytest.raises(BuildError, match=r"^sh ended with status 3"):
        sandbox.run(box.paths, box.folder, ["sh", "-c", "echo why; exit 3"], log=box.log)
    assert "why" in box.log.read_text()


def test_nothing_outlives_the_step(box: Box) -> None:
    assert "started" in box.run("(sleep 3; touch /mnt/late) & echo started")
    # Killed with the first process of its namespace: the pipe that it inherited is closed.
    reader, writer = os.pipe()
    words = sandbox.argv(
        box.paths, box.folder, ["sh", "-c", "sleep 600 &"], user=sandbox.NOBODY, files=()
    )
    with subprocess.Popen(words, stdout=writer) as process:
        os.close(writer)
        assert process.wait() == 0
    assert os.read(reader, 1) == b""
    os.close(reader)

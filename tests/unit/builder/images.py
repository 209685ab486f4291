# SPDX-License-Identifier: Apache-2.0
"""Small disk images with real root, hash tree and signature, and the UKI and lists beside them."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builder import sandbox
from builder.boot_entry import RESET
from builder.paths import Paths

PROGRAMS = ("systemd-repart", "mkfs.erofs", "sfdisk", "veritysetup", "casync", "zstd", "gpg")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
KERNEL = "7.3.4+deb13-amd64"
CREATED = "2026-11-22T09:00:00Z"
# As images/partitions has them, and smaller.
SLOT_A = {
    "10-sig": "Type=root-verity-sig\nLabel=codex-os_{v}_sig\nVerity=signature\nVerityMatchKey=root",
    "11-verity": "Type=root-verity\nLabel=codex-os_{v}_verity\nVerity=hash\nVerityMatchKey=root\n"
    "SizeMinBytes=1M\nSizeMaxBytes=1M",
    "12-root": "Type=root\nLabel=codex-os_{v}\nFormat=erofs\nCopyFiles=/\nVerity=data\n"
    "VerityMatchKey=root\nSizeMinBytes=8M\nSizeMaxBytes=8M",
}
SLOT_B = {
    "20-sig": "Type=root-verity-sig\nLabel=_empty\nSizeMinBytes=16K\nSizeMaxBytes=16K",
    "21-verity": "Type=root-verity\nLabel=_empty\nSizeMinBytes=1M\nSizeMaxBytes=1M",
    "22-root": "Type=root\nLabel=_empty\nSizeMinBytes=8M\nSizeMaxBytes=8M",
}


def run(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a program that has to succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def noise(size: int, seed: int) -> bytes:
    """Bytes that do not compress, the same each time."""
    return random.Random(seed).randbytes(size)


def build(folder: Path, version: str, *, changed: int) -> None:
    """Leave what `make image` leaves of a version; ``changed`` is the seed of one of its files."""
    work = folder / f".{version}"
    (work / "root/usr").mkdir(parents=True)
    for number in range(8):
        seed = changed if number == 3 else number
        (work / f"root/usr/{number}").write_bytes(noise(200_000, seed))
    (work / "definitions").mkdir()
    for name, text in (SLOT_A | SLOT_B).items():
        path = work / f"definitions/{name}.conf"
        path.write_text(f"[Partition]\n{text.format(v=version)}\n")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test/"]
    run("openssl", *words, "-keyout", work / "key", "-out", work / "crt")
    disk = folder / f"codex-os_{version}.raw"
    said = run(
        "systemd-repart", "--empty=create", "--size=auto", "--offline=yes", "--dry-run=no",
        "--json=short", f"--definitions={work / 'definitions'}", f"--copy-source={work / 'root'}",
        f"--private-key={work / 'key'}", f"--certificate={work / 'crt'}", disk,
    )  # fmt: skip
    roots = [p["roothash"] for p in json.loads(said) if p.get("roothash")]
    uki(folder, version, roots[0])
    entry(folder, version, roots[0])
    manifest = {"packages": [{"name": "one", "version": version}]}
    (folder / f"codex-os_{version}.manifest").write_text(json.dumps(manifest))
    sbom = {"creationInfo": {"created": CREATED}}
    (folder / f"codex-os_{version}.spdx.json").write_text(json.dumps(sbom))
    shutil.rmtree(work)


def uki(folder: Path, version: str, root_hash: str, *, said: str = "") -> None:
    """Leave the UKI of a version; ``said`` is the version that it names."""
    words = f"roothash={root_hash} console=ttyS0"
    _uki(folder / f"codex-os_{version}.efi", "codex-os", said or version, words)


def entry(folder: Path, version: str, root_hash: str, *, word: str = f" {RESET.word}") -> None:
    """Leave the entry of a version for a reset."""
    words = f"roothash={root_hash} console=ttyS0{word}"
    _uki(folder / f"{RESET.name}_{version}.efi", RESET.name, version, words)


def _uki(target: Path, image: str, version: str, command_line: str) -> None:
    """Leave an object file with the sections of a UKI that are read."""
    folder = target.parent
    sections = {
        ".osrel": f'ID=debian\nIMAGE_ID="{image}"\nIMAGE_VERSION="{version}"\nVARIANT_ID=general\n',
        ".uname": KERNEL,
        ".cmdline": f"{command_line} \0",
    }
    words: list[str | Path] = ["objcopy", "-I", "binary", "-O", "elf64-x86-64", "-B", "i386"]
    for name, text in sections.items():
        part = folder / f".section{name}"
        part.write_text(text)
        words += ["--add-section", f"{name}={part}"]
        words += ["--set-section-flags", f"{name}=alloc,readonly"]
    (folder / ".nothing").write_bytes(b"x")
    run(*words, folder / ".nothing", target)
    for part in folder.glob(".*"):
        if part.is_file():
            part.unlink()


class Beside:
    """Stands in for the sandbox: runs the step on this machine and writes down what it was given.

    What the sandbox keeps from a step is tested in test_sandbox.py.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.steps: list[tuple[list[str], list[str], list[str]]] = []

    def __call__(
        self, paths: Paths, folder: Path, words: Sequence[str | Path], *, log: Path,
        env: Any = None, user: int = sandbox.NOBODY, files: Sequence[Path] = (),
    ) -> None:  # fmt: skip
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        for path in files:
            shutil.copy(path, self.scratch)
        seen = sorted(path.name for path in folder.iterdir())
        argv = [str(word).replace(f"{sandbox.FILES}/", f"{self.scratch}/") for word in words]
        self.steps.append((argv[2:], [path.name for path in files], seen))
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, env=dict(os.environ))

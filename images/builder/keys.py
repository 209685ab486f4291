# SPDX-License-Identifier: Apache-2.0
"""Keys of the user's own build: made once, mode 0600, never overwritten, shown only to the steps that sign.

    pk, kek, db   Secure Boot: platform key, key exchange key, and the key that signs loader and UKI
    verity        signs the root hash of dm-verity
    ssh           the operator's key for `make shell` and the tests
"""

import os
import stat
from pathlib import Path

from builder import log
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree

CERTIFICATES = {
    "pk": "Codex OS platform key",
    "kek": "Codex OS key exchange key",
    "db": "Codex OS signature database",
    "verity": "Codex OS root file system",
}
DAYS = 3650


def ensure(paths: Paths, tree: Tree) -> None:
    """Makes what is missing and refuses what others can read."""
    folder = paths.keys
    folder.mkdir(mode=0o700, exist_ok=True)
    check_modes(folder)
    missing = [name for name in CERTIFICATES if not (folder / f"{name}.crt").exists()]
    with_key = [name for name in missing if (folder / f"{name}.key").exists()]
    if with_key:
        raise BuildError(
            f"keys/{with_key[0]}.key has no certificate beside it.",
            hint=f"Restore keys/{with_key[0]}.crt from your backup, or move the key away to have a new pair made.",
        )
    if missing:
        with log.step(f"Making keys: {', '.join(missing)}"):
            for name in missing:
                _certificate(folder, name, tree, paths.logs / "keys.log")
    if not (folder / "ssh").exists():
        tree.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "codex-os operator", "-f", folder / "ssh"],
            log=paths.logs / "keys.log",
        )
    _give_to_caller(folder)


def check_modes(folder: Path) -> None:
    """BuildError for a private key that group or others may read."""
    for path in [folder, *folder.iterdir()]:
        if path.suffix in {".crt", ".pub", ".json"}:
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            want = "700" if path.is_dir() else "600"
            raise BuildError(
                f"keys/{path.name if path != folder else ''} has mode {mode:04o}; others could read a private key.",
                hint=f"chmod {want} {path}  (and make new keys if somebody else may have read this one)",
            )


def _certificate(folder: Path, name: str, tree: Tree, logfile: Path) -> None:
    """A key and its self-signed certificate; both appear under their names only when both are complete.

    RSA 2048 with SHA-256, because firmware has to accept no more than that (UEFI specification, 32.4).
    """
    new_key, new_certificate = folder / f".{name}.key", folder / f".{name}.crt"
    command_line = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days", str(DAYS)]
    subject = ["-subj", f"/CN={CERTIFICATES[name]}/", "-addext", "basicConstraints=critical,CA:FALSE"]
    previous = os.umask(0o077)
    try:
        tree.run([*command_line, *subject, "-keyout", new_key, "-out", new_certificate], log=logfile)
    finally:
        os.umask(previous)
    new_key.chmod(0o600)
    new_certificate.chmod(0o644)
    new_key.replace(folder / f"{name}.key")
    new_certificate.replace(folder / f"{name}.crt")


def _give_to_caller(folder: Path) -> None:
    """Under sudo the keys belong to the person who called it, who is the one to use and back them up."""
    owner = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if owner[0] and owner[1]:
        for path in [folder, *folder.iterdir()]:
            os.chown(path, int(owner[0]), int(owner[1]))


def private_names(paths: Paths) -> list[str]:
    """Names of the private files, for messages and tests."""
    return sorted(p.name for p in paths.keys.iterdir() if p.suffix == ".key" or p.name == "ssh")


def ssh_public(paths: Paths) -> str:
    """The operator's public ssh key."""
    return (paths.keys / "ssh.pub").read_text().strip()



# SPDX-License-Identifier: Apache-2.0
"""Keys of the user's own build: made once, never overwritten, shown only to steps that sign.

pk, kek, db   Secure Boot: platform key, key exchange key, and the key that signs loader and UKI
verity        signs the root hash of dm-verity
modules       signs our kernel modules
update        signs the checksums of a release (update_key.py makes it, with GnuPG)
ssh           the operator's key for `make shell` and the tests

A new pair is written under names that begin with a dot and gets its names when it is whole; what an
interruption leaves between two renames is finished by the next run.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
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
    "modules": "Codex OS kernel modules",
}
# What a certificate is for, where it says so: signing code, and of that kernel modules only, by the
# number that shim knows for it. Firmware without shim does not look.
EXTENDED_USE = {"modules": "codeSigning,1.3.6.1.4.1.2312.16.1.2"}
PUBLIC = {".crt", ".pub", ".json"}
DAYS = 3650


def ensure(paths: Paths, tree: Tree) -> None:
    """Make what is missing and refuse what others can read."""
    folder = paths.keys
    folder.mkdir(mode=0o700, exist_ok=True)
    check_modes(folder)
    logfile = paths.logs / "keys.log"
    missing = [name for name in CERTIFICATES if not whole(folder, f"{name}.key", f"{name}.crt")]
    if missing:
        with log.step(f"Making keys: {', '.join(missing)}"):
            for name in missing:
                _certificate(folder, name, tree, logfile)
    if not whole(folder, "ssh", "ssh.pub"):
        _ssh(folder, tree, logfile)
    give_to_caller(folder)


def check_modes(folder: Path) -> None:
    """BuildError for a private key that group or others may read."""
    for path in [folder, *folder.iterdir()]:
        if path.suffix in PUBLIC or not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            want = "700" if path.is_dir() else "600"
            name = path.name if path != folder else ""
            raise BuildError(
                f"keys/{name} has mode {mode:04o}; others could read a private key.",
                hint=f"chmod {want} {path}  (and make new keys if somebody else may have read it)",
            )


def whole(folder: Path, private: str, public: str) -> bool:
    """Whether a pair is there; False when neither half is, BuildError when one is missing.

    The public half is renamed first. If it stands there alone and the new private half still waits
    under its first name, the rename of that one is all that was missing.
    """
    key, certificate, waiting = folder / private, folder / public, folder / f".{private}"
    if certificate.exists() and not key.exists() and waiting.exists():
        waiting.replace(key)
    if key.exists() == certificate.exists():
        return key.exists()
    there, gone = (private, public) if key.exists() else (public, private)
    raise BuildError(
        f"keys/{there} is there, but keys/{gone} is not.",
        hint=f"Restore keys/{gone} from your backup, or move keys/{there} away for a new pair.",
    )


def _certificate(folder: Path, name: str, tree: Tree, logfile: Path) -> None:
    """Make a key and its self-signed certificate.

    RSA 2048 with SHA-256, because firmware has to accept no more than that (UEFI specification,
    32.4).
    """
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes"]
    words += ["-days", str(DAYS), "-subj", f"/CN={CERTIFICATES[name]}/"]
    words += ["-addext", "basicConstraints=critical,CA:FALSE"]
    if name in EXTENDED_USE:
        words += ["-addext", "keyUsage=digitalSignature"]
        words += ["-addext", f"extendedKeyUsage={EXTENDED_USE[name]}"]
    with new_pair(folder, f"{name}.key", f"{name}.crt") as (key, certificate):
        tree.run([*words, "-keyout", key, "-out", certificate], log=logfile)


def _ssh(folder: Path, tree: Tree, logfile: Path) -> None:
    with new_pair(folder, "ssh", "ssh.pub") as (key, _):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "codex-os operator"]
        tree.run([*words, "-f", key], log=logfile)


@contextmanager
def new_pair(folder: Path, private: str, public: str) -> Iterator[tuple[Path, Path]]:
    """Names to write a pair to; at the end both are synced and named, the public half first."""
    new_key, new_public = folder / f".{private}", folder / f".{public}"
    for path in (new_key, new_public):
        path.unlink(missing_ok=True)
    previous = os.umask(0o077)
    try:
        yield new_key, new_public
    finally:
        os.umask(previous)
    new_key.chmod(0o600)
    new_public.chmod(0o644)
    for path in (new_key, new_public):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    new_public.replace(folder / public)
    new_key.replace(folder / private)


def give_to_caller(folder: Path) -> None:
    """Under sudo the keys belong to the caller, who is the one to use and back them up."""
    owner = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if owner[0] and owner[1]:
        for path in [folder, *folder.iterdir()]:
            os.chown(path, int(owner[0]), int(owner[1]), follow_symlinks=False)


def private_names(paths: Paths) -> list[str]:
    """Return the names of the private files, for messages and tests."""
    return sorted(p.name for p in paths.keys.iterdir() if p.suffix == ".key" or p.name == "ssh")


def ssh_public(paths: Paths) -> str:
    """Return the operator's public ssh key."""
    return (paths.keys / "ssh.pub").read_text().strip()

# SPDX-License-Identifier: Apache-2.0
"""Throw-away GPG keys, and signatures of every kind that a host must refuse."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS, OTHER, EXPIRED, REVOKED = ("ours", "other", "expired", "revoked")
THEN = "20200101T000000"


class Keys:
    """A folder of gpg with one key for each purpose; ``keyring`` is what a host would have."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.keyring = home / "host.gpg"
        self._make(OURS, "never", THEN)
        self._make(OTHER, "never")
        self._make(EXPIRED, "1d", THEN)
        self._make(REVOKED, "never")
        self._revoke(REVOKED)
        names = (self._name(name) for name in (OURS, EXPIRED, REVOKED))
        self._gpg("--output", str(self.keyring), "--export", *names)

    def _name(self, name: str) -> str:
        return f"{name}@example.invalid"

    def _gpg(self, *arguments: str, data: bytes = b"", when: str | None = None) -> bytes:
        faked = ["--faked-system-time", when] if when else []
        done = subprocess.run(
            ["gpg", "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase",
             "", *faked, *arguments],
            input=data, capture_output=True, check=False, timeout=60,
            env={"PATH": os.environ["PATH"], "GNUPGHOME": str(self._home)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _make(self, name: str, expiry: str, when: str | None = None) -> None:
        self._gpg("--quick-gen-key", self._name(name), "ed25519", "sign", expiry, when=when)

    def _revoke(self, name: str) -> None:
        listed = self._gpg("--with-colons", "--list-keys", self._name(name)).decode()
        fingerprint = next(e.split(":")[9] for e in listed.splitlines() if e.startswith("fpr:"))
        text = (self._home / f"openpgp-revocs.d/{fingerprint}.rev").read_text()
        # gpg guards it with a colon against use by mistake; it is used when it has signed.
        self.revocation = text.replace(":-----BEGIN", "-----BEGIN")

    def revoke(self) -> None:
        """Revoke the key REVOKED, which can sign until then."""
        self._gpg("--import", data=self.revocation.encode())
        names = (self._name(name) for name in (OURS, EXPIRED, REVOKED))
        self._gpg("--output", str(self.keyring), "--export", *names)

    def sign(self, content: bytes, name: str = OURS, *more: str, when: str | None = None) -> bytes:
        """Return a detached signature over ``content``."""
        return self._gpg(
            "--local-user", self._name(name), *more, "--detach-sign", data=content, when=when
        )


@contextmanager
def made() -> Iterator[Keys]:
    # Not below pytest's folder: the path of the agent's socket would be too long.
    home = Path(tempfile.mkdtemp(prefix="codex-keys-"))
    try:
        yield Keys(home)
    finally:
        subprocess.run(
            ["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True
        )
        shutil.rmtree(home, ignore_errors=True)

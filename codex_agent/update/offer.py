# SPDX-License-Identifier: Apache-2.0
"""What a source offers. Nothing of it is looked at before its signature is found good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.update import names, release, sums, versions
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.signature import refusal
from codex_agent.update.source import Missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.update.fetch import Fetcher
    from codex_agent.update.release import Release

    Verify = Callable[[bytes, bytes], str]

_HINT = "Nothing of it was used; tell whoever makes these releases."


@dataclass(frozen=True, slots=True)
class Offer:
    """A release that was signed, with the files that say so."""

    release: Release
    description: bytes
    checksums: bytes
    signature: bytes
    key: str
    versions: tuple[str, ...]


def look(fetcher: Fetcher, verify: Verify, architecture: str, wanted: str | None = None) -> Offer:
    """Return the newest release of a source, or the one that is wanted."""
    checksums, signature, key = _signed(fetcher, verify)
    return judge(
        checksums,
        signature,
        key,
        architecture,
        wanted,
        lambda name: fetcher.small(name, release.LIMIT),
    )


def _signed(fetcher: Fetcher, verify: Verify) -> tuple[bytes, bytes, str]:
    """Fetch checksums and signature, once more where a release came in between the two."""
    for last in (False, True):
        checksums = fetcher.small(names.SUMS, sums.LIMIT)
        try:
            signature = fetcher.small(names.SIGNATURE, sums.SIGNATURE_LIMIT)
        except Missing:
            raise refusal("is missing") from None
        try:
            return checksums, signature, verify(checksums, signature)
        except UpdateError as error:
            if last or error.kind is not Exit.UNSIGNED:
                raise
            if fetcher.small(names.SUMS, sums.LIMIT) == checksums:
                raise
    raise AssertionError


def judge(
    checksums: bytes,
    signature: bytes,
    key: str,
    architecture: str,
    wanted: str | None,
    get: Callable[[str], bytes],
) -> Offer:
    """Return the offer that signed checksums make; ``get`` returns the description of a release."""
    try:
        listed = sums.parse(checksums)
    except ValueError as error:
        raise _malformed(names.SUMS, str(error)) from None
    found = versions.in_order(sums.offered(listed, architecture))
    version = wanted if wanted in found else None if wanted else versions.newest(found)
    if version is None:
        raise _nothing(listed, architecture, wanted)
    name = names.of(version, architecture, names.RELEASE)
    content = get(name)
    if hashlib.sha256(content).hexdigest() != listed[name]:
        text = f"{name} is not the file that was signed."
        raise UpdateError(Exit.DIFFERENT, text, _HINT)
    try:
        described = release.parse(content)
    except ValueError as error:
        raise _malformed(name, str(error)) from None
    if (described.version, described.architecture) != (version, architecture):
        raise _malformed(name, "it describes another release than its name says")
    _same_hashes(described, listed)
    return Offer(described, content, checksums, signature, key, tuple(found))


def _same_hashes(described: Release, listed: dict[str, str]) -> None:
    """Check that both lists agree: systemd-sysupdate goes by the checksums, we by the other."""
    wanted = {file.name: file.sha256 for file in described.files.values()}
    wanted[described.name(names.UNPACKED_ROOT)] = described.root_sha256
    for name, digest in wanted.items():
        if listed.get(name) != digest:
            raise _malformed(names.SUMS, f"it does not have the hash of {name} that was described")


def _nothing(listed: dict[str, str], architecture: str, wanted: str | None) -> UpdateError:
    others = sorted(sums.architectures(listed) - {architecture})
    if others and not sums.offered(listed, architecture):
        text = f"The source has releases for {', '.join(others)}, and this host is {architecture}."
        return UpdateError(Exit.ARCHITECTURE, text, "Use the source for this architecture.")
    text = f"The source does not offer version {wanted}." if wanted else "No release is offered."
    return UpdateError(Exit.FAILED, text, "codex update check shows what is offered.")


def _malformed(name: str, why: str) -> UpdateError:
    return UpdateError(Exit.MALFORMED, f"{name} was signed but does not fit: {why}.", _HINT)

# SPDX-License-Identifier: Apache-2.0
"""SHA256SUMS: which files a source offers, and the hash of each."""

from __future__ import annotations

import re

from codex_agent.update import names

# A release has about ten lines of a hundred bytes; this is room for hundreds of releases.
LIMIT = 512 * 1024  # bytes
SIGNATURE_LIMIT = 16 * 1024  # bytes

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)", re.ASCII)


def parse(content: bytes) -> dict[str, str]:
    """Return the hash of each file; raises ``ValueError`` on anything that sha256sum did not write.

    The whole is refused for one bad line: it was signed as a whole.
    """
    if len(content) > LIMIT:
        raise ValueError(f"it is longer than {LIMIT} bytes")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise ValueError("it is not ASCII text") from None
    if not text.endswith("\n"):
        raise ValueError("its last line has no end")
    found: dict[str, str] = {}
    # Not splitlines(): it takes more characters for the end of a line than sha256sum does.
    for number, entry in enumerate(text[:-1].split("\n"), 1):
        match = _LINE.fullmatch(entry)
        if match is None:
            raise ValueError(f"line {number} is not a hash and a name")
        digest, name = match.groups()
        if not names.plain(name):
            raise ValueError(f"line {number} does not name a plain file")
        if name in found:
            raise ValueError(f"line {number} names a file a second time")
        found[name] = digest
    return found


def offered(found: dict[str, str], architecture: str) -> set[str]:
    """Return the versions for ``architecture`` that have a description of the release."""
    parsed = (names.parse(name) for name in found)
    return {
        entry.version
        for entry in parsed
        if entry and entry.architecture == architecture and entry.ending == names.RELEASE
    }


def architectures(found: dict[str, str]) -> set[str]:
    """Return the architectures that any release is offered for."""
    parsed = (names.parse(name) for name in found)
    return {entry.architecture for entry in parsed if entry and entry.ending == names.RELEASE}

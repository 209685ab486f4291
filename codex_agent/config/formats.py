# SPDX-License-Identifier: Apache-2.0
"""Formats of what a person gives to a host; each check returns what is wrong, or None."""

from __future__ import annotations

import base64
import binascii
import re

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_KEY_TYPES = re.compile(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r"(-cert-v01@openssh\.com)?",
    re.ASCII,
)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,512}", re.ASCII)
_HOSTNAME_MAX = 64  # the kernel's limit


def hostname(text: str) -> str | None:
    """Check a file with one host name."""
    name = text.strip()
    if not name:
        return "it is empty"
    if len(name) > _HOSTNAME_MAX:
        return f"the name is longer than {_HOSTNAME_MAX} characters"
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return "it is not one host name of letters, digits, hyphens and dots"
    return None


def token(text: str) -> str | None:
    """Check a token: one word of at least 32 characters of A-Z, a-z, 0-9, _ and -."""
    value = text.strip("\r\n")
    if _TOKEN.fullmatch(value):
        return None
    if len(value) < 32:
        return "it is shorter than 32 characters"
    return "it must be one word of at most 512 characters of A-Z, a-z, 0-9, _ and -"


def authorized_keys(text: str) -> str | None:
    """Check the lines of an authorized_keys file; options before the key are left to sshd."""
    for index, raw in enumerate(text.splitlines(), 1):
        entry = raw.strip()
        if not entry or entry.startswith("#"):
            continue
        words = entry.split()
        places = [place for place, word in enumerate(words) if _KEY_TYPES.fullmatch(word)]
        if not places or places[0] + 1 >= len(words):
            return f"line {index} has no key of a type that sshd accepts"
        kind, blob = words[places[0]], words[places[0] + 1]
        if _blob_type(blob) != kind:
            return f"the key in line {index} is damaged"
    return None


def _blob_type(blob: str) -> str | None:
    """Return the key type that stands at the start of a base64 key."""
    try:
        content = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(content[:4], "big")
    if len(content) < 4 + length + 4:
        return None
    return content[4 : 4 + length].decode("ascii", "replace")


def unit_file(text: str) -> str | None:
    """Check the outer form of a systemd configuration file: sections, assignments, comments."""
    section = False
    continued = False
    for index, raw in enumerate(text.splitlines(), 1):
        entry = raw.strip()
        if continued and not entry.startswith(("#", ";")):
            continued = entry.endswith("\\")
            continue
        if not entry or entry.startswith(("#", ";")):
            continue
        if entry.startswith("["):
            if not re.fullmatch(r"\[[A-Za-z0-9-]+\]", entry, re.ASCII):
                return f"line {index} is not a section"
            section = True
            continue
        if not re.fullmatch(r"[A-Za-z0-9.-]+\s*=.*", entry):
            return f"line {index} is neither a section nor an assignment"
        if not section:
            return f"line {index} stands before the first section"
        continued = entry.endswith("\\")
    return None if section else "it has no section"


def network_file(text: str) -> str | None:
    """Check a .network file: outer form, and the section that says what it applies to."""
    wrong = unit_file(text)
    if wrong is None and "[Match]" not in {line.strip() for line in text.splitlines()}:
        return "it has no section [Match]"
    return wrong

# SPDX-License-Identifier: Apache-2.0
"""Sections and signatures of unified kernel images and other EFI programs."""

import re
from pathlib import Path

from tests.support import programs


def section(efi: Path, name: str, target: Path) -> bytes:
    """Content of one PE section, without the padding that the file alignment adds.

    ``target`` is where objcopy puts it. A section that is missing is an error.
    """
    headers = programs.text("objdump", "-h", efi)
    # Columns: index, name, size (hexadecimal), …; .text-like columns follow on the next line.
    row = re.search(rf"^\s*\d+\s+{re.escape(name)}\s+([0-9a-f]+)\s", headers, re.MULTILINE)
    if row is None:
        raise AssertionError(f"{efi.name} has no section {name}:\n{headers}")
    programs.run("objcopy", "-O", "binary", f"--only-section={name}", efi, target)
    return target.read_bytes()[: int(row[1], 16)]


def text_section(efi: Path, name: str, target: Path) -> str:
    """Content of a section that holds text, without NUL padding."""
    return section(efi, name, target).rstrip(b"\0").decode()


def text_sections(efi: Path, name: str) -> list[str]:
    """Content of every section of one name, in the order of the file: a profile adds its own."""
    headers = programs.text("objdump", "-h", efi)
    # Columns: index, name, size, address, load address, offset in the file (all hexadecimal).
    rows = re.findall(
        rf"^\s*\d+\s+{re.escape(name)}\s+([0-9a-f]+)\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s",
        headers,
        re.MULTILINE,
    )
    content = efi.read_bytes()
    pieces = [content[int(at, 16) : int(at, 16) + int(size, 16)] for size, at in rows]
    return [piece.rstrip(b"\0").decode().strip() for piece in pieces]


def section_names(efi: Path) -> list[str]:
    """Names of all sections in their order."""
    headers = programs.text("objdump", "-h", efi)
    return re.findall(r"^\s*\d+\s+(\.\S+)\s+[0-9a-f]+\s", headers, re.MULTILINE)


def signers(efi: Path) -> list[str]:
    """Return the subject of the issuer of every signature, in order; empty when it is unsigned."""
    listing = programs.run("sbverify", "--list", efi, accept=(0, 1)).stdout.decode()
    return re.findall(r"image signature issuers:\n - (.*)", listing)


def verifies(efi: Path, certificate: Path) -> bool:
    """Tell whether a signature of the program verifies with ``certificate``."""
    done = programs.run("sbverify", "--cert", certificate, efi, accept=(0, 1))
    return done.returncode == 0 and b"Signature verification OK" in done.stdout + done.stderr


def strip_signatures(efi: Path) -> None:
    """Remove every signature from the program, in place."""
    while signers(efi):
        programs.run("sbattach", "--remove", efi)


def sign(efi: Path, key: Path, certificate: Path) -> None:
    """Add a signature, in place."""
    programs.run("sbsign", "--key", key, "--cert", certificate, "--output", efi, efi)


def foreign_key(directory: Path) -> tuple[Path, Path]:
    """Make a key and certificate that no firmware of ours trusts; return both paths (PEM)."""
    key, certificate = directory / "foreign.key", directory / "foreign.crt"
    programs.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        "-subj", "/CN=not trusted by any Codex OS host",
        "-keyout", key, "-out", certificate,
    )  # fmt: skip
    return key, certificate

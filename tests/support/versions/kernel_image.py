# SPDX-License-Identifier: Apache-2.0
"""UKIs: taken apart into sections, and put together again by ukify with some of them changed.

objdump says where sections lie, so that several of one name (those of boot menu entries, which
begin with a section ``.profile``) are kept apart.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder import boot_entry

from tests.support import programs
from tests.support.versions.signing import Pair

#: The sections that are put in, each with ukify's option; all others are the stub's own.
OPTIONS = {
    ".profile": "--profile=@",
    ".osrel": "--os-release=@",
    ".cmdline": "--cmdline=@",
    ".uname": "--uname=",
    ".splash": "--splash=",
    ".ucode": "--microcode=",
    ".linux": "--linux=",
    ".initrd": "--initrd=",
}
#: What ukify takes as a word, not as a file.
WORDS = {".uname"}
#: What ukify makes of stub and kernel by itself.
STUBS = {".text", ".rodata", ".data", ".sbat", ".sdmagic", ".reloc"}
#: Beside the stub of UKIs, in its folder.
ADDON = "addonx64.efi.stub"
# ukify is a program of the tools tree and needs its libraries, not those of the suites' Python.
UKIFY = ("/usr/bin/python3", "/usr/bin/ukify")


@dataclass(frozen=True)
class Section:
    """One section that was put in."""

    name: str
    content: bytes

    @property
    def text(self) -> str:
        """Content of a section that is text."""
        return self.content.rstrip(b"\0").decode()


def read(efi: Path) -> list[Section]:
    """Return the sections that were put into the stub, in their order; unknown ones are errors."""
    headers = programs.text("objdump", "-h", efi)
    # Columns: index, name, size, two addresses, offset in the file, alignment.
    rows = re.findall(
        r"^\s*\d+\s+(\.\S+)\s+([0-9a-f]+)\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s",
        headers,
        re.MULTILINE,
    )
    unknown = {name for name, _, _ in rows} - STUBS - OPTIONS.keys()
    if unknown or not rows:
        raise AssertionError(f"{efi.name} has sections that are not known: {sorted(unknown)}")
    with efi.open("rb") as file:
        return [
            Section(name, os.pread(file.fileno(), int(size, 16), int(offset, 16)))
            for name, size, offset in rows
            if name in OPTIONS
        ]


def root_hash(sections: Sequence[Section]) -> str:
    """Return the root hash that the first command line demands."""
    found = re.search(r"(?:^|\s)roothash=([0-9a-f]{64})(?=\s|$)", _first(sections, ".cmdline").text)
    if found is None:
        raise AssertionError("the command line of the UKI names no root hash")
    return found[1]


def _first(sections: Sequence[Section], name: str) -> Section:
    found = [section for section in sections if section.name == name]
    if not found:
        raise AssertionError(f"the UKI has no section {name}")
    return found[0]


def renew(
    sections: Sequence[Section],
    *,
    version: str,
    root_hash: str,
    initrd_extra: Sequence[bytes] = (),
) -> list[Section]:
    """Return the sections of another version; ``initrd_extra`` are archives for the kernel."""
    identity = re.compile(r"^IMAGE_VERSION=.*$", re.MULTILINE)

    def changed(section: Section) -> Section:
        if section.name == ".osrel":
            text = identity.sub(f'IMAGE_VERSION="{version}"', section.text)
            return replace(section, content=text.encode())
        if section.name == ".cmdline":
            text = re.sub(r"(?<!\S)roothash=[0-9a-f]{64}(?!\S)", f"roothash={root_hash}",
                          section.text)  # fmt: skip
            # mkosi ends it with a NUL, and so does this.
            end = section.content[len(section.text.encode()) :]
            return replace(section, content=text.encode() + end)
        if section.name == ".initrd":
            content = section.content
            for archive in initrd_extra:
                # The kernel looks for the next archive at multiples of four bytes.
                content += bytes(-len(content) % 4) + archive
            return replace(section, content=content)
        return section

    return [changed(section) for section in sections]


def reset_entry(sections: Sequence[Section], version: str) -> list[Section]:
    """Return the sections of the version's entry for a factory reset, as the build makes it."""

    def changed(section: Section) -> Section:
        if section.name == ".osrel":
            content = boot_entry.own_release(section.text, version, boot_entry.RESET)
            return replace(section, content=content.encode())
        if section.name == ".cmdline":
            return replace(section, content=f"{section.text} {boot_entry.RESET.word}".encode())
        return section

    return [changed(section) for section in sections]


def build(
    sections: Sequence[Section], stub: Path, target: Path, scratch: Path, signer: Pair | None
) -> Path:
    """Put a UKI together and sign it, unless there is nobody to; the kernel stays as it is."""
    parts: list[list[Section]] = [[]]
    for section in sections:
        # The first is that of the UKI itself: ukify adds it as soon as there are others.
        if section.name == ".profile" and section.name in {found.name for found in parts[-1]}:
            parts.append([])
        parts[-1].append(section)
    base, *menu = [_options(part, scratch / str(n)) for n, part in enumerate(parts)]
    joined = []
    for number, options in enumerate(menu, start=1):
        part = scratch / str(number) / "part.efi"
        # What is joined has nothing of a stub in it; add-ons have none.
        programs.run(*UKIFY, "build", f"--stub={stub.with_name(ADDON)}", *options,
                     f"--output={part}")  # fmt: skip
        joined.append(f"--join-profile={part}")
    pair = [] if signer is None else [
        "--signtool=sbsign",
        "--no-sign-kernel",
        f"--secureboot-private-key={signer.key}",
        f"--secureboot-certificate={signer.certificate}",
    ]  # fmt: skip
    programs.run(
        *UKIFY, "build", f"--stub={stub}", *base, *joined, *pair, f"--output={target}"
    )  # fmt: skip
    return target


def _options(sections: Sequence[Section], folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    options = []
    for number, section in enumerate(sections):
        path = folder / f"{number}{section.name}"
        path.write_bytes(section.content)
        value = section.text if section.name in WORDS else path
        options.append(f"{OPTIONS[section.name]}{value}")
    return options

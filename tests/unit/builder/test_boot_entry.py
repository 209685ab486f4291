# SPDX-License-Identifier: Apache-2.0
"""Entries for shells and resets: of the same version, signed, never one that starts by itself."""

import re
from pathlib import Path

import pytest
from builder import boot_entry, uki
from builder.boot_entry import BootEntry
from builder.errors import BuildError
from builder.paths import Paths

from codex_agent.update import boot, names
from tests.unit.builder.conftest import HostTree, Programs

VERSION = "0.1.9"
WORDS = f"roothash={'a' * 64} console=ttyS0 lockdown=integrity"
REPOSITORY = Path(__file__).resolve().parents[3]
# A UKI of these tests is a folder of its sections in one file, with lines "NAME:CONTENT".
OBJCOPY = """
for word; do case $word in --only-section=*) name=${word#*=};; esac; done
for last; do source=$target; target=$last; done
sed -n "s/^$name://p" "$source" | tr '|' '\\000' >"$target"
"""
UKIFY = """
for word; do case $word in
--output=*) out=${word#*=};;
--cmdline=@*) echo ".cmdline:$(cat "${word#*=@}")$MORE" >>"$0.made";;
--os-release=@*) cp "${word#*=@}" "$0.osrel";;
esac; done
mv "$0.made" "$out"
"""


@pytest.fixture
def entry(paths: Paths, tree: HostTree, programs: Programs) -> BootEntry:
    paths.image_dir.mkdir(parents=True)
    text = (
        f".cmdline:{WORDS}||||{WORDS} codex.factory_reset=ask\n.uname:7.3.4\n.linux:l\n.initrd:i\n"
    )
    paths.image(VERSION, ".efi").write_text(
        text + ".osrel:ID=debian\n.osrel:IMAGE_ID=codex-os\n"
        f".osrel:IMAGE_VERSION={VERSION}\n.osrel:PRETTY_NAME=x\n"
    )
    programs.add("objcopy", OBJCOPY)
    programs.add("ukify", UKIFY)
    programs.add("sbverify", "")
    return BootEntry(paths, tree)


def test_entry(entry: BootEntry, paths: Paths, programs: Programs) -> None:
    made = entry.make(VERSION)
    assert made.name == f"codex-os-shell_{VERSION}.efi"
    assert made.parent == paths.image_dir
    # The words of the version's own entry, not of a profile, and one word more.
    assert made.read_text() == f".cmdline:{WORDS} codex.shell\n"
    (call,) = programs.calls("ukify")
    for word in (f"--secureboot-private-key={paths.keys}/db.key", "--uname=7.3.4"):
        assert word in call
    assert len(programs.calls("sbverify")) == 1
    assert not (paths.build / "shell-entry").exists()


def test_entry_that_is_not_signed_is_not_left(
    entry: BootEntry, paths: Paths, programs: Programs
) -> None:
    programs.add("sbverify", "exit 1")
    with pytest.raises(BuildError):
        entry.make(VERSION)
    assert list(paths.image_dir.glob("*shell*")) == []


def test_entry_without_its_word(
    entry: BootEntry, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("ukify", UKIFY.replace('$(cat "${word#*=@}")', "quiet"))
    with pytest.raises(BuildError, match="does not have the word"):
        entry.make(VERSION)


@pytest.mark.parametrize("line", [".uname:7.3.4\n", f"roothash={'a' * 64}"])
def test_image_that_does_not_say_what_it_is(entry: BootEntry, paths: Paths, line: str) -> None:
    source = paths.image(VERSION, ".efi")
    source.write_text(source.read_text().replace(line, ""))
    with pytest.raises(BuildError, match="kernel or root hash"):
        entry.make(VERSION)


def test_its_release_sorts_behind_every_version() -> None:
    text = boot_entry.own_release(
        "ID=debian\nIMAGE_ID=codex-os\nPRETTY_NAME=a\n", VERSION, boot_entry.SHELLS
    )
    facts = dict(line.split("=", 1) for line in text.splitlines())
    assert facts["ID"] == "debian"
    # systemd-boot sorts by this name first, upwards.
    assert facts["IMAGE_ID"] > names.IMAGE
    assert "SHELLS" in facts["PRETTY_NAME"]


@pytest.mark.parametrize("kind", [boot_entry.SHELLS, boot_entry.RESET])
def test_no_update_takes_it_for_a_version(kind: boot_entry.Kind) -> None:
    name = f"{kind.name}_{VERSION}.efi"
    assert boot.parse(name) is None
    transfer = (REPOSITORY / "images/tree/usr/lib/sysupdate.d/90-uki.transfer").read_text()
    patterns = re.findall(r"codex-os\S*\.efi", transfer)
    assert patterns
    for pattern in patterns:
        expression = re.sub(r"@[a-z]", ".+", re.escape(pattern))
        assert re.fullmatch(expression, name) is None, pattern
        assert re.fullmatch(expression, pattern.replace("@v", "1").replace("@", "1")), "it matches"


def test_the_word_is_that_of_the_units() -> None:
    for path in ("images/tree/usr/lib/systemd/system-generators/codex-shells",
                 "images/tree/usr/lib/systemd/system/codex-shell@.service",
                 "images/initrd/tree/usr/lib/codex/initrd-failed"):  # fmt: skip
        assert boot_entry.SHELLS.word in (REPOSITORY / path).read_text()


def test_a_text_of_several_profiles_is_that_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_bytes(b"one two\0\0\0\0three\0")
    assert uki.command_line(tmp_path) == "one two"


def test_the_entry_for_a_reset_has_its_own_name_and_word(
    entry: BootEntry, paths: Paths, tree: HostTree
) -> None:
    made = BootEntry(paths, tree, boot_entry.RESET).make(VERSION)
    # The name by which an update writes it, removes it, and makes room for it.
    assert made.name == boot.reset_file(VERSION)
    assert made.read_text() == f".cmdline:{WORDS} codex.factory_reset=ask\n"
    text = (REPOSITORY / "images/initrd/tree/usr/lib/codex/ask-reset").read_text()
    unit = REPOSITORY / "images/initrd/tree/usr/lib/systemd/system/codex-ask-reset.service"
    assert boot_entry.RESET.word in text + unit.read_text()

# SPDX-License-Identifier: Apache-2.0
"""What the firmware starts is ours, signed by us alone, and says what will boot."""

import fnmatch
import hashlib
import re
from pathlib import Path

import pytest

from tests.support import programs, tree, uki
from tests.support.artefacts import Artefacts

REPOSITORY = Path(__file__).parents[2]

#: Each word the kernel must be given, with what it is for.
REQUIRED = {
    r"roothash=[0-9a-f]{64}": "the root that was signed",
    r"lockdown=integrity": "no change of the running kernel, also without Secure Boot",
    r"console=ttyS0(,\S+)?": "a host without a screen can be seen",
    r"panic=\d+": "a broken version gives way to boot counting",
    r"systemd\.crash_action=reboot": "a version whose PID 1 crashes gives way as well",
    r"systemd\.default_device_timeout_sec=\d{3,}": "a slow machine does not end in emergency mode",
}
#: Words that would open the host or that are left over from a debugging session.
FORBIDDEN = {
    r"(rd)?init=.*": "starts something else than systemd",
    r"rd\.(shell|break|debug).*": "a shell before the root is verified",
    r"(rd\.)?systemd\.(debug.shell|unit|log_level)(=.*)?": "debugging",
    r"(single|emergency|rescue|s|1|debug)": "a shell without a password",
    r"rw": "a writable root",
    r"module\.sig_enforce=0": "unsigned modules",
    r"lockdown=none": "no lockdown",
    r"codex\..*": "asks for a reset, or opens shells",
    r"systemd\.factory_reset(=.*)?": "erases the state at each start",
    r"mitigations=off": "no protection against CPU flaws",
    r"(apparmor|selinux|audit)=0": "no access control",
    r"(systemd\.)?verity=(0|no|off)": "no verification of the root",
    r"systemd\.set_credential(_binary)?=.*": "a secret or a setting that belongs to one host",
}


def test_uki_is_signed_by_us_and_nobody_else(artefacts: Artefacts) -> None:
    assert uki.verifies(artefacts.uki, artefacts.secure_boot_certificate)
    assert len(uki.signers(artefacts.uki)) == 1


def test_every_program_on_the_esp_is_signed_by_us_and_nobody_else(
    esp: dict[str, Path], artefacts: Artefacts
) -> None:
    efi_programs = {path: real for path, real in esp.items() if path.lower().endswith(".efi")}
    assert len(efi_programs) >= 3, f"a loader and two UKIs are expected, found {sorted(esp)}"
    for path, real in efi_programs.items():
        assert uki.verifies(real, artefacts.secure_boot_certificate), path
        assert len(uki.signers(real)) == 1, path


def test_stripped_copy_no_longer_verifies(artefacts: Artefacts, tmp_path: Path) -> None:
    """Shows that the check above can fail."""
    copy = tmp_path / "unsigned.efi"
    copy.write_bytes(artefacts.uki.read_bytes())
    uki.strip_signatures(copy)
    assert uki.signers(copy) == []
    assert not uki.verifies(copy, artefacts.secure_boot_certificate)


def test_esp_holds_the_loader_where_firmware_looks_and_two_ukis(
    esp: dict[str, Path], artefacts: Artefacts
) -> None:
    """That of the version, and its entry for a factory reset: neither is counted."""
    upper = {path.upper() for path in esp}
    assert "/EFI/BOOT/BOOTX64.EFI" in upper
    ukis = {path for path in esp if path.upper().startswith("/EFI/LINUX/")}
    assert ukis == {f"/EFI/Linux/{file.name}" for file in (artefacts.uki, artefacts.reset)}


def test_ukis_beside_the_disk_are_those_on_the_disk(
    esp: dict[str, Path], artefacts: Artefacts
) -> None:
    for file in (artefacts.uki, artefacts.reset):
        on_disk = esp[f"/EFI/Linux/{file.name}"]
        digests = [hashlib.sha256(found.read_bytes()).digest() for found in (on_disk, file)]
        assert digests[0] == digests[1], file.name


def test_entry_for_a_reset_differs_by_its_word_and_its_name(
    artefacts: Artefacts, scratch: Path
) -> None:
    names = uki.section_names(artefacts.uki)
    assert uki.section_names(artefacts.reset) == names
    own, entry = (
        {name: uki.section(file, name, scratch / "section") for name in names}
        for file in (artefacts.uki, artefacts.reset)
    )
    assert {name for name in names if own[name] != entry[name]} == {".osrel", ".cmdline"}
    words = [found[".cmdline"].rstrip(b"\0").decode().split() for found in (own, entry)]
    assert words[1] == [*words[0], "codex.factory_reset=ask"]
    facts = [_os_release(found[".osrel"].rstrip(b"\0").decode()) for found in (own, entry)]
    changed = {name for name in facts[0].keys() | facts[1].keys()
               if facts[0].get(name) != facts[1].get(name)}  # fmt: skip
    assert changed == {"IMAGE_ID", "PRETTY_NAME"}
    # systemd-boot sorts by the first, and shows the second.
    assert facts[1]["IMAGE_ID"] == "codex-os-reset"
    title = f"Codex OS {artefacts.version}: factory reset, which asks first"
    assert facts[1]["PRETTY_NAME"] == title


def test_esp_enrols_no_keys(esp: dict[str, Path]) -> None:
    """A disk that brings its own keys would be trusted by whoever boots it."""
    assert [path for path in esp if path.lower().endswith((".auth", ".esl", ".cer", ".crt"))] == []


def test_loader_cannot_be_edited(esp: dict[str, Path]) -> None:
    """The boot menu's editor would change the command line where Secure Boot is off."""
    [config] = [real for path, real in esp.items() if path.lower() == "/loader/loader.conf"]
    lines = {tuple(line.split()) for line in config.read_text().splitlines() if line.strip()}
    assert ("editor", "no") in lines


@pytest.mark.parametrize("word", REQUIRED, ids=list(REQUIRED.values()))
def test_command_line_has(command_line: str, word: str) -> None:
    assert [w for w in command_line.split() if re.fullmatch(word, w)], command_line


@pytest.mark.parametrize("word", FORBIDDEN, ids=list(FORBIDDEN.values()))
def test_command_line_has_not(command_line: str, word: str) -> None:
    assert [w for w in command_line.split() if re.fullmatch(word, w)] == []


def test_the_uki_is_one_entry_only(artefacts: Artefacts, command_line: str) -> None:
    """systemd-boot 257 takes any profile of a version on trial for the version itself."""
    assert uki.text_sections(artefacts.uki, ".cmdline") == [command_line]
    assert ".profile" not in uki.section_names(artefacts.uki)


def test_no_entry_for_shells_is_on_the_disk(esp: dict[str, Path], artefacts: Artefacts) -> None:
    assert [path for path in esp if "shell" in path.lower()] == []
    for line in uki.text_sections(artefacts.uki, ".cmdline"):
        assert "codex.shell" not in line.split()


def test_versions_agree(artefacts: Artefacts, root: Path, scratch: Path) -> None:
    """File name, UKI and root carry the same version, image and flavour."""
    sealed = _os_release(uki.text_section(artefacts.uki, ".osrel", scratch / "osrel"))
    resolved = tree.resolve(root, "/etc/os-release")
    assert resolved is not None
    installed = _os_release(resolved.read_text(encoding="utf-8"))
    for facts in (sealed, installed):
        assert facts["ID"] == "debian"
        assert facts["IMAGE_ID"] == "codex-os"
        assert facts["IMAGE_VERSION"] == artefacts.version
        assert (REPOSITORY / "images/flavours" / facts["VARIANT_ID"]).is_dir()
    assert re.fullmatch(r"[0-9a-f]{40}", installed["CODEX_COMMIT"])


def test_kernel_of_the_uki_has_its_modules_in_the_root(
    artefacts: Artefacts, root: Path, scratch: Path
) -> None:
    release = uki.text_section(artefacts.uki, ".uname", scratch / "uname")
    assert [entry.name for entry in (root / "usr/lib/modules").iterdir()] == [release]
    assert (root / "usr/lib/modules" / release / "modules.dep.bin").is_file()


def test_checksums_are_right(artefacts: Artefacts) -> None:
    listed = {}
    for line in artefacts.checksums.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        listed[name.lstrip("*")] = digest
    wanted = [artefacts.disk, artefacts.uki, artefacts.reset, artefacts.manifest, artefacts.sbom]
    assert {file.name for file in wanted} <= set(listed)
    actual = {
        name: programs.text("sha256sum", artefacts.directory / name).split()[0] for name in listed
    }
    assert actual == listed


def _os_release(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, value in pairs}


def test_no_other_entry_of_the_menu_starts_by_itself(esp: dict[str, Path]) -> None:
    """The entry for a reset, and one for shells that an operator lays beside, wait to be chosen."""
    [config] = [real for path, real in esp.items() if path.lower() == "/loader/loader.conf"]
    patterns = [
        line.split()[1] for line in config.read_text().splitlines() if line.startswith("default ")
    ]
    assert len(patterns) == 1
    assert fnmatch.fnmatchcase("codex-os_0.1.9.efi", patterns[0])
    for other in ("codex-os-reset_0.1.9.efi", "codex-os-shell_0.1.9.efi"):
        assert not fnmatch.fnmatchcase(other, patterns[0])

# SPDX-License-Identifier: Apache-2.0
"""What systemd-sysupdate is told fits what a release is named and how the disk is laid out."""

import configparser
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_agent.update import boot, names, system, sysupdate

IMAGES = Path(__file__).resolve().parents[3] / "images"
FOLDER = IMAGES / "tree/usr/lib/sysupdate.d"
ROLES: dict[str, tuple[str, str]] = {
    sysupdate.TRANSFERS["root"]: (names.UNPACKED_ROOT, "root"),
    sysupdate.TRANSFERS["verity"]: (names.ENDINGS["verity"], "root-verity"),
    sysupdate.TRANSFERS["signature"]: (names.ENDINGS["signature"], "root-verity-sig"),
}
UKI = "90-uki"
RESET = "80-reset"


def _read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # systemd's keys have cases
    parser.read(path)
    return parser


def _partitions() -> Iterator[configparser.SectionProxy]:
    for path in sorted((IMAGES / "partitions").glob("*.conf")):
        yield _read(path)["Partition"]


def test_there_are_these_and_the_uki_comes_last() -> None:
    found = sorted(path.name for path in FOLDER.iterdir())
    assert found == sorted(f"{name}.transfer" for name in (*ROLES, RESET, UKI))
    # systemd-sysupdate goes by these names: the entry that makes the version one that can start.
    assert found[-1] == f"{UKI}.transfer"


@pytest.mark.parametrize("name", [*ROLES, RESET, UKI])
def test_all_are_verified_and_the_running_version_is_safe(name: str) -> None:
    transfer = _read(FOLDER / f"{name}.transfer")
    assert transfer["Transfer"] == {"ProtectVersion": "%A", "Verify": "yes"}
    assert transfer["Source"]["Type"] == "url-file"
    stage = transfer["Source"]["Path"].removeprefix("file://")
    assert stage == str(system.System().stage)


@pytest.mark.parametrize("name", ROLES)
def test_partitions_are_those_of_the_disk(name: str) -> None:
    ending, kind = ROLES[name]
    transfer = _read(FOLDER / f"{name}.transfer")
    assert transfer["Source"]["MatchPattern"] == f"codex-os_@v_%a.{ending}"
    target = transfer["Target"]
    assert (target["Path"], target["MatchPartitionType"]) == ("auto", kind)
    # mkosi and repart name the first version; %M is the image's name, %A its version.
    (first,) = [p["Label"] for p in _partitions() if p["Type"] == kind and p["Label"] != "_empty"]
    assert target["MatchPattern"] == first.replace("%M", names.IMAGE).replace("%A", "@v")
    # The other slot is there, and empty.
    assert [p["Label"] for p in _partitions() if p["Type"] == kind].count("_empty") == 1


def test_uki_has_three_tries() -> None:
    transfer = _read(FOLDER / f"{UKI}.transfer")
    assert transfer["Source"]["MatchPattern"] == f"codex-os_@v_%a.{names.ENDINGS['uki']}"
    target = transfer["Target"]
    assert (target["PathRelativeTo"], target["Path"]) == ("esp", "/EFI/Linux")
    assert (target["TriesLeft"], target["TriesDone"], target["InstancesMax"]) == ("3", "0", "2")
    # The first is what is written; the last is what systemd-bless-boot leaves.
    patterns = target["MatchPattern"].replace("\\", " ").split()
    assert (patterns[0], patterns[-1]) == ("codex-os_@v+@l-@d.efi", "codex-os_@v.efi")


def test_entry_for_a_reset_is_never_counted() -> None:
    transfer = _read(FOLDER / f"{RESET}.transfer")
    assert transfer["Source"]["MatchPattern"] == f"codex-os_@v_%a.{names.ENDINGS['reset']}"
    target = transfer["Target"]
    assert dict(target) == {
        "Type": "regular-file", "Path": "/EFI/Linux", "PathRelativeTo": "esp",
        "MatchPattern": boot.reset_file("@v"), "Mode": "0444", "InstancesMax": "2",
    }  # fmt: skip
    uki = _read(FOLDER / f"{UKI}.transfer")["Target"]
    assert (target["InstancesMax"], target["Path"]) == (uki["InstancesMax"], uki["Path"])


def test_esp_holds_two_versions_and_one_more() -> None:
    """Two UKIs each, as large as they may become, and what an operator lays beside."""
    (esp,) = (p for p in _partitions() if p["Type"] == "esp")
    size = int(esp["SizeMinBytes"].removesuffix("G")) << 30
    with (IMAGES.parent / "tests/image/budgets.toml").open("rb") as file:
        largest = tomllib.load(file)["uki"]["max_bytes"]
    assert size > 3 * 2 * largest


def test_no_pattern_fits_another_file() -> None:
    """A pattern of systemd-sysupdate 257 also fits what is longer than it is."""
    endings = [*names.ENDINGS.values(), names.UNPACKED_ROOT, names.RELEASE]
    for name in (*ROLES, RESET, UKI):
        pattern = _read(FOLDER / f"{name}.transfer")["Source"]["MatchPattern"]
        ending = pattern.removeprefix("codex-os_@v_%a.")
        assert [e for e in endings if e.startswith(ending)] == [ending]

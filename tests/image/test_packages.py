# SPDX-License-Identifier: Apache-2.0
"""What is installed is listed, the same everywhere, and nothing can install or build more."""

import json
import re
from pathlib import Path

import pytest

from tests.support import tree
from tests.support.artefacts import Artefacts

#: Programs that turn source into code. perl-base and python3 are part of the system and interpret.
COMPILERS = (
    r"(.*-linux-gnu-)?(cc|gcc|c\+\+|g\+\+|cpp|c89|c99|as|ld|gold|ld\.(bfd|gold|lld))(-[\d.]+)?",
    r"(clang|clang\+\+|lld|llc|rustc|cargo|go|gccgo|tcc|ghc|javac|nasm|yasm|bpftrace)(-[\d.]+)?",
    r"(g?make|cmake|ninja|meson|bmake|dkms|pip3?|pipx|npm|node|gem|uv)(-?[\d.]+)?",
)


@pytest.fixture(scope="module")
def database(root: Path) -> dict[str, str]:
    """Installed packages of dpkg's database: name to version."""
    status = root / "usr/lib/sysimage/dpkg/status"
    found = {}
    for paragraph in status.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status") == "install ok installed":
            found[fields["Package"]] = fields["Version"]
    return found


def test_database_is_there_and_readable_by_everybody(root: Path, database: dict[str, str]) -> None:
    folder = root / "usr/lib/sysimage/dpkg"
    assert {"base-files", "systemd", "codex-agent", "codex-kernel-modules"} <= set(database)
    assert folder.stat().st_mode & 0o005 == 0o005
    assert (folder / "status").stat().st_mode & 0o004
    assert sorted((folder / "info").glob("*.list")) != []


def test_no_package_is_half_installed(root: Path) -> None:
    status = (root / "usr/lib/sysimage/dpkg/status").read_text(encoding="utf-8")
    states = set(re.findall(r"^Status: (.*)$", status, re.MULTILINE))
    assert states <= {"install ok installed", "deinstall ok config-files"}


def test_manifest_lists_the_same_packages(artefacts: Artefacts, database: dict[str, str]) -> None:
    listed = json.loads(artefacts.manifest.read_text(encoding="utf-8"))["packages"]
    assert {entry["name"]: entry["version"] for entry in listed} == database


def _purls(artefacts: Artefacts, kind: str) -> set[str]:
    document = json.loads(artefacts.sbom.read_text(encoding="utf-8"))
    return {
        reference["referenceLocator"]
        for package in document["packages"]
        for reference in package.get("externalRefs", [])
        if reference["referenceType"] == "purl"
        and reference["referenceLocator"].startswith(f"pkg:{kind}/")
    }


def test_sbom_is_spdx(artefacts: Artefacts) -> None:
    document = json.loads(artefacts.sbom.read_text(encoding="utf-8"))
    assert document["spdxVersion"] == "SPDX-2.3"
    identities = [package["SPDXID"] for package in document["packages"]]
    assert len(identities) == len(set(identities))
    [image] = [p for p in document["packages"] if p["SPDXID"] == "SPDXRef-Image"]
    assert image["versionInfo"] == artefacts.version


def test_sbom_lists_every_debian_package(artefacts: Artefacts, database: dict[str, str]) -> None:
    document = json.loads(artefacts.sbom.read_text(encoding="utf-8"))
    listed = {(package["name"], package["versionInfo"]) for package in document["packages"]}
    assert set(database.items()) <= listed


def test_sbom_lists_no_debian_package_that_is_nowhere(
    artefacts: Artefacts, database: dict[str, str]
) -> None:
    """Beside the root's packages only those of the initrd may be listed."""
    listed = {purl.partition("?")[0] for purl in _purls(artefacts, "deb")}
    names = {purl.removeprefix("pkg:deb/debian/").partition("@")[0] for purl in listed}
    assert {re.sub("%2B", "+", name) for name in names} - set(database) <= INITRD_ONLY


#: Packages of the initrd that the root does not have.
INITRD_ONLY = frozenset({"systemd-cryptsetup"})


def test_sbom_lists_every_python_library(artefacts: Artefacts, root: Path) -> None:
    installed = set()
    for metadata in (root / "usr/lib/codex-agent/lib").glob("*.dist-info/METADATA"):
        head = metadata.read_text(encoding="utf-8").split("\n\n", 1)[0]
        fields = dict(re.findall(r"^(Name|Version): (.*)$", head, re.MULTILINE))
        name = re.sub(r"[-_.]+", "-", fields["Name"]).lower()
        if name != "codex-agent":
            installed.add(f"pkg:pypi/{name}@{fields['Version']}")
    assert len(installed) > 5
    assert installed <= _purls(artefacts, "pypi")


def test_no_compiler(root: Path) -> None:
    pattern = re.compile("|".join(f"(?:{expression})" for expression in COMPILERS))
    found = [
        entry.path
        for entry in tree.walk(root)
        if entry.path.startswith(("/usr/bin/", "/usr/sbin/", "/usr/local/"))
        and pattern.fullmatch(entry.real.name)
    ]
    assert found == []


def test_nothing_to_compile_against(root: Path) -> None:
    """Headers and start files of the C library, headers of the kernel."""
    for place in ("usr/include/stdio.h", "usr/include/linux", "usr/lib/x86_64-linux-gnu/crt1.o"):
        assert not (root / place).exists()
    assert list((root / "usr/src").glob("linux-*")) == []
    assert list((root / "usr/lib/modules").glob("*/build/Makefile")) == []


def test_apt_has_nothing_to_install_from(root: Path) -> None:
    for place in ("var/lib/apt/lists", "var/cache/apt", "etc/apt/sources.list.d"):
        folder = root / place
        assert not folder.exists() or [e.path for e in tree.walk(folder) if e.is_file] == []
    assert not (root / "etc/apt/sources.list").exists()
    assert not (root / "etc/apt/preferences.d").exists() or not list(
        (root / "etc/apt/preferences.d").iterdir()
    )


def test_nothing_of_the_build_host_remains(root: Path) -> None:
    """Proxies, resolvers and pip settings of the machine that built stay there."""
    for place in ("etc/pip.conf", "root/.pip", "root/.config", "root/.cache", "root/.ansible"):
        assert not (root / place).exists()
    configuration = [e for e in tree.walk(root / "etc/apt") if e.is_file]
    assert [e.path for e in configuration if b"Proxy" in e.real.read_bytes()] == []

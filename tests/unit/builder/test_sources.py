# SPDX-License-Identifier: Apache-2.0
"""Mirrors of the host, as apt lists them."""

from pathlib import Path

import pytest
from builder import sources
from builder.errors import BuildError

from tests.unit.builder.conftest import Programs

MAIN = ("http://mirror.example/debian/", "Debian", "Debian")
SECURITY = ("http://mirror.example/debian-security/", "Debian", "Debian-Security")
BACKPORTS = ("http://mirror.example/debian/", "Debian Backports", "Debian Backports")


def _host(programs: Programs, *rows: tuple[str, str, str]) -> sources.Mirrors:
    """Mirrors of a host with these rows of address, origin and label."""
    listing = programs.folder.parent / "listing"
    listing.write_text("".join("\t".join(row) + "\n" for row in rows))
    programs.add("apt-get", f"cat {listing}")
    return sources.of_host()


def test_what_is_asked_of_apt(programs: Programs) -> None:
    _host(programs, MAIN, SECURITY)
    (call,) = programs.calls("apt-get")
    assert call.startswith("apt-get indextargets --format $(REPO_URI)\t$(ORIGIN)\t$(LABEL)")


def test_usual_host(programs: Programs) -> None:
    found = _host(programs, MAIN, BACKPORTS, SECURITY)
    assert found.main == "http://mirror.example/debian"
    assert found.security == "http://mirror.example/debian-security"


@pytest.mark.parametrize(
    "address",
    [
        "https://mirror.example/pub/linux/debian/",
        "http://snapshot.example/archive/debian/20260101T000000Z/",
        "http://10.0.0.1:3142/mirror.example/debian/",
        "http://cache.example/deb12",
    ],
)
def test_any_path_will_do_when_the_release_file_says_debian(
    programs: Programs, address: str
) -> None:
    found = _host(programs, (address, "Debian", "Debian"), SECURITY)
    assert found.main == address.rstrip("/")


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "other",
    [
        ("https://download.docker.example/linux/debian/", "Docker", "Docker CE"),
        ("https://vendor.example/linux/debian/", "", ""),
        ("https://vendor.example/debian/", "Debian", "Vendor"),
        ("http://mirror.example/debian-debug/", "Debian debug", "Debian debug"),
    ],
)
def test_other_repositories_are_never_a_source(
    programs: Programs, other: tuple[str, str, str], first: bool
) -> None:
    rows = [other, MAIN, SECURITY] if first else [MAIN, SECURITY, other]
    assert _host(programs, *rows).main == "http://mirror.example/debian"


def test_first_of_several_mirrors(programs: Programs) -> None:
    second = ("https://second.example/debian/", "Debian", "Debian")
    assert _host(programs, MAIN, second, SECURITY).main == "http://mirror.example/debian"


def test_host_without_lists_is_known_by_its_paths(programs: Programs) -> None:
    rows = [("https://m.example/x/debian/", "", ""), ("https://m.example/debian-security", "", "")]
    found = _host(programs, *rows)
    assert found == sources.Mirrors(
        "https://m.example/x/debian", "https://m.example/debian-security"
    )


def test_list_of_mirrors_of_a_cloud_image(programs: Programs, tmp_path: Path) -> None:
    listed = tmp_path / "debian.list"
    listed.write_text("# ours\n\nhttps://deb.example/debian\tpriority:1\nhttps://other/debian\n")
    found = _host(programs, (f"mirror+file:{listed}", "Debian", "Debian"), SECURITY)
    assert found.main == "https://deb.example/debian"
    found = _host(programs, (f"mirror+file://{listed}/", "Debian", "Debian"), SECURITY)
    assert found.main == "https://deb.example/debian"


@pytest.mark.parametrize(
    "address",
    [
        "cdrom:[Debian GNU/Linux 12]/",
        "file:/srv/debian",
        "mirror+file:/nowhere/list",
        "ftp://x/debian",
    ],
)
def test_what_the_tree_cannot_reach_is_no_mirror(programs: Programs, address: str) -> None:
    with pytest.raises(BuildError, match=r"no Debian archive that is reached by http"):
        _host(programs, (address, "Debian", "Debian"), SECURITY)


def test_host_without_security(programs: Programs) -> None:
    with pytest.raises(BuildError, match="no Debian security archive") as error:
        _host(programs, MAIN)
    assert "apt-get update" in error.value.hint


def test_host_without_anything(programs: Programs) -> None:
    programs.add("apt-get", "echo 'E: broken' >&2; exit 100")
    with pytest.raises(BuildError, match="no Debian archive"):
        sources.of_host()


def test_sources_file(programs: Programs) -> None:
    text = sources.deb822(sources.Mirrors("http://m/debian", "http://m/debian-security"))
    stanzas = [
        dict(line.split(": ", 1) for line in stanza.splitlines()) for stanza in text.split("\n\n")
    ]
    common = {"Types": "deb", "Components": "main", "Signed-By": sources.KEYRING}
    assert stanzas == [
        {**common, "URIs": "http://m/debian", "Suites": "trixie trixie-updates trixie-backports"},
        {**common, "URIs": "http://m/debian-security", "Suites": "trixie-security"},
    ]

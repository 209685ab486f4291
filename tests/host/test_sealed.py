# SPDX-License-Identifier: Apache-2.0
"""A sealed root cannot be changed from inside; on a host that Ansible keeps, it can."""

from typing import Any

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest


@pytest.fixture(autouse=True)
def _image_only(expected: dict[str, Any]) -> None:
    if expected["root_file_system"] != "read-only":
        pytest.skip("differences.toml: the root of this host is writable")


@pytest.mark.parametrize("path", ["/usr/x", "/etc/x", "/x", "/usr/lib/systemd/system/x.service"])
def test_touch_fails(host: Host, path: str) -> None:
    done = host.run("touch %s", path)
    assert done.rc != 0
    assert "Read-only file system" in done.stderr


def test_root_cannot_be_remounted_writable(host: Host) -> None:
    assert host.run("mount -o remount,rw /").rc != 0
    assert host.run("touch /usr/x").rc != 0


def test_nothing_covers_usr_or_etc(host: Host) -> None:
    """An overlay over /usr or /etc would be a way around the seal."""
    targets = host.check_output("findmnt --noheadings --raw --output TARGET").split()
    over = [t for t in targets if t.startswith(("/usr", "/etc", "/bin", "/sbin", "/lib"))]
    # systemd binds the machine's id over /etc/machine-id where /etc cannot be written.
    assert set(over) <= {"/etc/machine-id"}


@pytest.mark.parametrize("folder", ["/run/extensions", "/var/lib/extensions", "/run/confexts"])
def test_extension_images_are_not_laid_over_it(host: Host, folder: str) -> None:
    """Not one that is a folder, for which systemd would ask no signature."""
    kind = "confext" if folder.endswith("confexts") else "sysext"
    place = f"{folder}/codex-test"
    tree = f"{place}/etc" if kind == "confext" else f"{place}/usr"
    release = "etc/extension-release.d" if kind == "confext" else "usr/lib/extension-release.d"
    there = host.file(folder).exists
    host.check_output(
        f"mkdir -p {tree} {place}/{release} && echo evil >{tree}/codex-test-evil && "
        f"echo ID=_any >{place}/{release}/extension-release.codex-test"
    )
    try:
        assert host.run("systemctl start systemd-%s.service", kind).rc != 0
        assert host.run("systemd-%s refresh", kind).rc == 127
        assert not host.file("/usr/codex-test-evil").exists
        assert not host.file("/etc/codex-test-evil").exists
    finally:
        host.check_output("rm -rf %s", place if there else folder)


def test_dpkg_cannot_remove(host: Host) -> None:
    assert host.run("dpkg --purge --force-depends less").rc != 0
    assert host.run("dpkg-query --show less").rc == 0


def test_apt_cannot_install(host: Host) -> None:
    done = host.run("apt-get --yes install nano 2>&1")
    assert done.rc != 0
    assert host.run("dpkg-query --show nano").rc != 0


def test_package_database_can_be_asked(host: Host) -> None:
    assert (
        host.check_output("dpkg-query --show --showformat='${db:Status-Abbrev}' codex-agent")
        == "ii "
    )
    assert "/usr/bin/codex" in host.check_output("dpkg --listfiles codex-agent").splitlines()


def test_writable_file_systems_are_the_expected(host: Host) -> None:
    listing = host.check_output("findmnt --noheadings --raw --real --output TARGET,OPTIONS")
    writable = {
        target
        for target, options in (line.split(" ", 1) for line in listing.splitlines())
        if "rw" in options.split(",")
    }
    assert writable <= {"/var", "/efi", "/boot"}


def test_var_cannot_gain_privileges(host: Host) -> None:
    options = host.check_output("findmnt --noheadings --output OPTIONS /var").split(",")
    assert {"nosuid", "nodev"} <= set(options)


def test_esp_is_not_readable_by_users(host: Host) -> None:
    """Whoever could write there would choose what boots next."""
    for place in ("/efi", "/boot"):
        if host.run("mountpoint --quiet %s", place).rc == 0:
            assert host.file(place).mode & 0o077 == 0

# SPDX-License-Identifier: Apache-2.0
"""The chain from the firmware to the root, seen from inside the guest that booted through it."""

import re

import pytest
from builder.guest import Guest
from testinfra.host import Host

from tests.support import efi, milestones, serial_logs, verity
from tests.support.artefacts import Artefacts
from tests.support.service import Service

pytestmark = pytest.mark.guest


def test_milestones_come_in_order(guest: Guest) -> None:
    log = serial_logs.plain(guest.serial_log)
    position = 0
    for expression in milestones.GOOD_BOOT:
        found = re.compile(expression).search(log, position)
        assert found, f"{expression!r} does not follow in the serial log"
        position = found.end()


def test_nothing_failed_on_the_console(guest: Guest) -> None:
    log = serial_logs.plain(guest.serial_log)
    assert [sign for sign in milestones.TROUBLE if re.search(sign, log)] == []


def test_verdict_line_tells_the_facts(guest: Guest, artefacts: Artefacts) -> None:
    verdict = re.search(milestones.VERDICT, serial_logs.plain(guest.serial_log))
    assert verdict is not None
    facts = milestones.facts(verdict)
    expected = {"version": artefacts.version, "slot": "A", "verity": "active", "secure-boot": "yes"}
    assert {key: facts.get(key) for key in expected} == expected


def test_firmware_enforces(host: Host) -> None:
    assert efi.variable(host, "SecureBoot", efi.GLOBAL) == b"\x01"
    assert efi.variable(host, "SetupMode", efi.GLOBAL) == b"\x00"


@pytest.mark.parametrize(
    ("name", "vendor", "keys"),
    [
        ("PK", efi.GLOBAL, ["pk"]),
        ("KEK", efi.GLOBAL, ["kek"]),
        # The kernel takes what is in db as its own and checks root hash and modules with it.
        ("db", efi.IMAGE_SECURITY, ["db", "verity", "modules"]),
    ],
    ids=["PK", "KEK", "db"],
)
def test_firmware_trusts_our_keys_and_no_others(
    host: Host, artefacts: Artefacts, name: str, vendor: str, keys: list[str]
) -> None:
    trusted = efi.certificates(efi.variable(host, name, vendor))
    assert sorted(trusted) == sorted(efi.der(artefacts.keys / f"{key}.crt") for key in keys)


def test_no_second_list_of_trust(host: Host) -> None:
    """A machine owner key (shim's MOK) would be a way around db."""
    assert host.run("ls /sys/firmware/efi/efivars/ | grep -i '^Mok'").stdout == ""


def test_agent_says_the_same_about_secure_boot(service: Service) -> None:
    snapshot = service.get("/api/host")
    assert snapshot["secure_boot"] is True
    assert snapshot["readings"]["secure_boot"]["reason"] is None


def test_command_line_is_the_sealed_one(host: Host, sealed_command_line: str) -> None:
    """Nothing was added on the way, neither by the boot menu nor by the emulator."""
    assert host.check_output("cat /proc/cmdline").split() == sealed_command_line.split()


def test_root_is_the_verified_device(host: Host, sealed_command_line: str) -> None:
    sealed = verity.root_hash(sealed_command_line)
    assert host.check_output("findmnt -no SOURCE,FSTYPE /").split() == ["/dev/mapper/root", "erofs"]
    status = host.check_output("veritysetup status root")
    assert re.search(r"^\s*status:\s+verified", status, re.MULTILINE), status
    assert re.search(rf"^\s*root hash:\s+{sealed}", status, re.MULTILINE), status
    assert re.search(r"^\s*mode:\s+readonly", status, re.MULTILINE), status


def test_agent_says_the_same_about_the_root(
    host: Host, service: Service, sealed_command_line: str
) -> None:
    sealed = verity.root_hash(sealed_command_line)
    said = service.get("/api/host")["verity"]
    assert said["state"] == "active"
    assert said["root_hash"] == sealed
    assert said["signed"] is True


def test_kernel_checked_the_signature_of_the_root_hash(host: Host) -> None:
    assert "root_hash_sig_key_desc" in host.check_output("dmsetup table root")


def test_kernel_is_locked_down(host: Host, service: Service) -> None:
    assert "[integrity]" in host.check_output("cat /sys/kernel/security/lockdown")
    assert service.get("/api/host")["lockdown"] == "integrity"


def test_kernel_memory_is_out_of_reach(host: Host) -> None:
    """An effect of lockdown: also root may not read it."""
    assert host.file("/dev/mem").exists
    assert host.run("head -c 4096 /dev/mem | wc -c").stdout.strip() == "0"


def test_boot_was_declared_good(host: Host) -> None:
    assert host.check_output("systemctl is-active boot-complete.target") == "active"
    assert host.check_output("systemctl is-active codex-health.service") in {"active", "inactive"}
    result = host.check_output("systemctl show -P Result codex-health.service")
    assert result == "success"

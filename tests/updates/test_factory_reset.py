# SPDX-License-Identifier: Apache-2.0
"""A reset happens once, wholly, also when power fails in it, and never when nobody asked."""

import json
import os
import signal
from dataclasses import replace

import pytest
from builder.guest import Guest

from tests.support import guests, milestones, timeouts

pytestmark = [pytest.mark.guest, pytest.mark.every_attack]


ERASES = "this host forgets its state:"
ERASED = "The state is erased"
MARK = "/var/lib/mark"


def _boot(guest: Guest) -> None:
    """Wait for a good boot, and for the keys that it has now."""
    assert guest.wait_for_serial(milestones.VERDICT, timeouts.BOOT_S)["state"] == "healthy"


def _tell(guest: Guest, command: str) -> str:
    done = guest.ssh(["sh", "-c", f"'{command}'"], timeouts.COMMAND_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _restart(guest: Guest) -> None:
    """Let the guest restart: QEMU ends, and the next start has the same disk and firmware."""
    guest.ssh(["systemctl", "reboot"], timeouts.COMMAND_S)
    guest.wait_exit(timeouts.BOOT_S)
    assert guest.pid is None, "the guest did not restart"


def test_reset_asked_for_by_the_command() -> None:
    spec = guests.specification("factory-reset", "ovmf")
    with guests.running(spec) as guest:
        _boot(guest)
        before = _tell(guest, f"echo x >{MARK}; codex factory-reset --yes; cat /etc/machine-id")
        _restart(guest)
    kept = replace(spec, keep_disk=True)
    with guests.running(kept) as guest:
        # Power fails in the middle of it.
        guest.wait_for_serial(ERASES, timeouts.BOOT_S)
        pid = guest.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    for again in (False, True):
        with guests.running(kept) as guest:
            _boot(guest)
            if again:
                # The second start after it erases nothing more.
                assert ERASES not in guest.serial_text()
                assert _tell(guest, f"cat {MARK}") == "new\n"
            else:
                assert guest.ssh(["test", "-e", MARK], timeouts.COMMAND_S).returncode == 1
                assert _tell(guest, "cat /etc/machine-id") != before.splitlines()[-1]
            request = _tell(guest, "ls /sys/firmware/efi/efivars")
            assert "CodexFactoryReset" not in request
            _tell(guest, f"echo new >{MARK}; sync")
            _restart(guest)


@pytest.mark.every_attack
def test_entry_of_the_menu_changes_nothing_without_an_answer() -> None:
    """It is on the ESP of every image, and waits to be chosen."""
    entry = guests.latest_artefacts().reset.name
    spec = guests.specification("factory-reset-menu", "ovmf")
    with guests.running(spec) as guest:
        _boot(guest)
        listed = json.loads(_tell(guest, "bootctl --json=short list"))
        found = {one["id"]: one for one in listed}
        assert "factory reset, which asks first" in found[entry]["title"]
        assert not found[entry].get("isDefault")
        _tell(guest, f"echo x >{MARK}; sync; bootctl set-oneshot {entry}")
        _restart(guest)
    kept = replace(spec, keep_disk=True)
    with guests.started(kept) as guest:
        guest.wait_for_serial("What is erased, with no way back: all of /var", timeouts.BOOT_S)
        guest.wait_exit(timeouts.BOOT_S)
        assert guest.pid is None, "the guest did not restart"
        text = guest.serial_text()
        assert "Nothing was changed." in text
        assert ERASES not in text
        assert "codex-verdict" not in text
    with guests.running(kept) as guest:
        _boot(guest)
        assert ERASED not in guest.serial_text()
        assert _tell(guest, f"cat {MARK}") == "x\n"


@pytest.mark.every_attack
@pytest.mark.parametrize("content", [b"yes", b"y\0e\0s\0\0\0"])
def test_requests_that_name_no_partition_erase_nothing(content: bytes) -> None:
    """Both our variable and systemd's, as something else could have left them in the firmware."""
    octal = "".join(f"\\{byte:03o}" for byte in b"\x07\0\0\0" + content)
    spec = guests.specification("factory-reset-foreign", "ovmf")
    with guests.running(spec) as guest:
        _boot(guest)
        _tell(guest, f"echo x >{MARK}; sync; cd /sys/firmware/efi/efivars; "
              f'printf "{octal}" >CodexFactoryReset-ec4a643e-7d37-4bd2-8c11-dbf83c8007a2; '
              f'printf "{octal}" >FactoryReset-8cf2644b-4b0b-428f-9387-6d876050dc67')  # fmt: skip
        _restart(guest)
    with guests.running(replace(spec, keep_disk=True)) as guest:
        _boot(guest)
        assert "Nothing was erased." in guest.serial_text()
        assert _tell(guest, f"cat {MARK}") == "x\n"

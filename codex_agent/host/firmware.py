# SPDX-License-Identifier: Apache-2.0
"""Firmware and machine: Secure Boot from the EFI variable, names from DMI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host.model import Firmware, Machine
from codex_agent.host.reading import Reading, Unreadable
from codex_agent.host.text import line

if TYPE_CHECKING:
    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root

EFI = "/sys/firmware/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
SECURE_BOOT_SOURCE = "efivar SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
DMI = "/sys/class/dmi/id"


def booted_by_efi(root: Root) -> bool:
    """Say whether EFI firmware started this kernel."""
    return root.exists(EFI)


def secure_boot(root: Root) -> Reading[bool]:
    """Read the firmware's own word on Secure Boot."""

    def take() -> bool:
        if not booted_by_efi(root):
            raise Unreadable("this system was not started by EFI firmware")
        content = root.data(SECURE_BOOT, 64)
        # Four bytes of attributes, then the variable: one byte, 0 or 1.
        if len(content) != 5 or content[4] not in (0, 1):
            raise ValueError("the variable is not one byte of 0 or 1")
        return content[4] == 1

    return root.reading(SECURE_BOOT_SOURCE, take)


def read_firmware(root: Root, ledger: Ledger) -> Firmware:
    """Read vendor and version of the firmware."""
    return Firmware(
        vendor=ledger.note("firmware.vendor", root.read(f"{DMI}/bios_vendor", line)),
        version=ledger.note("firmware.version", root.read(f"{DMI}/bios_version", line)),
    )


def read_machine(root: Root, virtualization: Reading[str], ledger: Ledger) -> Machine:
    """Read vendor and product of the machine; ``virtualization`` comes from systemd."""
    return Machine(
        vendor=ledger.note("machine.vendor", root.read(f"{DMI}/sys_vendor", line)),
        product=ledger.note("machine.product", root.read(f"{DMI}/product_name", line)),
        virtualization=ledger.note("machine.virtualization", virtualization),
    )

# SPDX-License-Identifier: Apache-2.0
"""Boot options of a firmware, and efibootmgr acting on them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_agent.update.program import Done

if TYPE_CHECKING:
    from collections.abc import Sequence

DISK = "PciRoot(0x0)/Pci(0x1,0x0){auto_created_boot_option}"


@dataclass
class Nvram:
    """``fails`` are the first letters of options that this firmware does not carry out."""

    options: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"0000": ("UiApp", "Fv(7cb8bdc9)/FvFile(462caa21)"),
                                 "0001": ("UEFI Misc Device", DISK)}
    )  # fmt: skip
    order: list[str] | None = field(default_factory=lambda: ["0001", "0000"])
    current: str = "0001"
    forgets: bool = False
    changes: int = 0

    def text(self) -> str:
        lines = [f"BootCurrent: {self.current}", "Timeout: 0 seconds"]
        lines += [] if self.order is None else [f"BootOrder: {','.join(self.order)}"]
        lines += [f"Boot{n}* {label}\t{path}" for n, (label, path) in sorted(self.options.items())]
        return "\n".join(lines) + "\n"

    def run(self, argv: Sequence[str]) -> Done:
        parser = argparse.ArgumentParser(exit_on_error=False)
        for flag in ("--create-only", "--delete-bootnum"):
            parser.add_argument(flag, action="store_true")
        for option in ("--disk", "--part", "--label", "--loader", "--bootorder", "--bootnum"):
            parser.add_argument(option)
        asked = parser.parse_args(argv[1:])
        if len(argv) > 1:
            self.changes += 1
            if self.forgets:
                return Done(0, self.text(), "")
        if asked.create_only:
            assert (asked.disk, asked.part) == ("/dev/vda", "1")
            number = next(f"{n:04X}" for n in range(99) if f"{n:04X}" not in self.options)
            self.options[number] = (asked.label, f"HD(1,GPT,c9bdb1e2)/{asked.loader}")
        if asked.bootorder:
            self.order = asked.bootorder.split(",")
            if not set(self.order) <= self.options.keys():
                return Done(2, "", "Could not set BootOrder: Invalid argument")
        if asked.delete_bootnum:
            del self.options[asked.bootnum]
            self.order = [number for number in self.order or [] if number != asked.bootnum]
        return Done(0, self.text(), "")

    def fallback(self) -> list[str]:
        """The files of our options, in the firmware's order."""
        ours = [self.options[n] for n in self.order or [] if n in self.options]
        return [path.split("\\")[-1] for label, path in ours if label == "Codex OS fallback"]

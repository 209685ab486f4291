# SPDX-License-Identifier: Apache-2.0
"""PCI functions that compute or draw: who they are, which driver has them, how they are linked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from codex_agent.host.model import PciFunction, PciKind
from codex_agent.host.reading import Reading, Unreadable
from codex_agent.host.text import count, decimal, identifier, line, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root

T = TypeVar("T")

DEVICES = "/sys/bus/pci/devices"
_NO_LINK = "this function has no PCI Express link"
_UNTOLD = "the link does not tell"
_UNKNOWN_WIDTH = (0, 255)  # what the kernel shows where the link does not tell


def kind_of(class_id: str) -> PciKind | None:
    """Return what a class code (six hex digits) is to us; None for everything else."""
    if class_id.startswith("03"):
        return "display"
    # 0x12: processing accelerator; 0x0b40: co-processor.
    if class_id.startswith(("12", "0b40")):
        return "accelerator"
    return None


def parse_speed(text: str) -> float | None:
    """Return GT/s of e.g. ``16.0 GT/s PCIe``; None where the kernel says that it is unknown."""
    match = re.fullmatch(r"([0-9.]{1,8}) GT/s( PCIe)?", text.strip(), re.ASCII)
    if match is not None:
        return decimal(match[1])
    if text.strip().lower().startswith("unknown"):
        return None
    raise ValueError("it is not a link speed")


def parse_width(text: str) -> int | None:
    """Return the number of lanes; None where the kernel says that it is unknown."""
    lanes = count(text)
    return None if lanes in _UNKNOWN_WIDTH else lanes


def functions(root: Root) -> Reading[list[tuple[str, str]]]:
    """Read address and class code of every display controller and accelerator."""

    def take() -> list[tuple[str, str]]:
        found = []
        for address in root.names(DEVICES):
            try:
                class_id = identifier(root.text(f"{DEVICES}/{address}/class"), 6)
            except (Unreadable, ValueError):
                # A function that was unplugged in between, or that is broken beyond its class.
                continue
            if kind_of(class_id) is not None:
                found.append((address, class_id))
        return found

    return root.reading(DEVICES, take)


def read(root: Root, ledger: Ledger) -> list[PciFunction] | None:
    """Read identity, driver, link, NUMA node and power state of each such function."""
    found = ledger.note("pci", functions(root))
    if found is None:
        return None
    return [_one(root, address, class_id, ledger) for address, class_id in found]


def driver(root: Root, address: str) -> Reading[str]:
    """Read the name of the driver that is bound."""
    path = f"{DEVICES}/{address}/driver"

    def take() -> str:
        try:
            return line(root.link_name(path))
        except Unreadable as error:
            if error.absent and root.exists(f"{DEVICES}/{address}"):
                raise Unreadable("no driver is bound") from None
            raise

    return root.reading(path, take)


def numa_node(root: Root, address: str) -> Reading[int]:
    """Read the NUMA node that the function is nearest to."""
    reading = root.read(f"{DEVICES}/{address}/numa_node", number)
    return reading.then(
        lambda node: node if node >= 0 else None, "the platform names no NUMA node for it"
    )


def _link(
    root: Root, path: str, parse: Callable[[str], T | None], power: Reading[str]
) -> Reading[T]:
    def take() -> T:
        # Asking a function without power would wake it.
        if power.value == "D3cold":
            raise Unreadable("the function is powered off")
        try:
            value = parse(root.text(path))
        except Unreadable as error:
            raise (Unreadable(_NO_LINK) if error.absent else error) from None
        if value is None:
            raise Unreadable(_UNTOLD)
        return value

    return root.reading(path, take)


def _one(root: Root, address: str, class_id: str, ledger: Ledger) -> PciFunction:
    here, key = f"{DEVICES}/{address}", f"pci.{address}"
    power = root.read(f"{here}/power_state", line)

    def speed(field: str, name: str) -> float | None:
        return ledger.note(f"{key}.{field}", _link(root, f"{here}/{name}", parse_speed, power))

    def width(field: str, name: str) -> int | None:
        return ledger.note(f"{key}.{field}", _link(root, f"{here}/{name}", parse_width, power))

    def id_of(name: str) -> str | None:
        reading = root.read(f"{here}/{name}", lambda text: identifier(text, 4))
        return ledger.note(f"{key}.{name}_id", reading)

    return PciFunction(
        address=address,
        vendor_id=id_of("vendor"),
        device_id=id_of("device"),
        class_id=class_id,
        kind="display" if kind_of(class_id) == "display" else "accelerator",
        driver=ledger.note(f"{key}.driver", driver(root, address)),
        link_speed_gts=speed("link_speed_gts", "current_link_speed"),
        link_speed_max_gts=speed("link_speed_max_gts", "max_link_speed"),
        link_width=width("link_width", "current_link_width"),
        link_width_max=width("link_width_max", "max_link_width"),
        numa_node=ledger.note(f"{key}.numa_node", numa_node(root, address)),
        power_state=ledger.note(f"{key}.power_state", power),
    )

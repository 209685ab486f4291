# SPDX-License-Identifier: Apache-2.0
"""The network: whether each link that is configured is up, with an address, within the limit.

systemd-networkd is asked which file it took for which link, so that its rules are not told twice.
A file in /etc or /run is somebody's wish, and each link that it names must be online. The image's
own file takes any Ethernet port: there one that is online is enough. A boot fails only where the
host has a carrier and is online nowhere, or where no driver took a network device: such a version
may have lost the way to its operator. A host without any carrier is no fault of its version.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.host.model import Check
from codex_agent.host.probes import NETWORK
from codex_agent.host.reading import Unreadable
from codex_agent.host.text import identifier
from codex_agent.probe import child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_agent.host.model import Delivery
    from codex_agent.host.root import Root

WISHES = ("/etc/systemd/network", "/run/systemd/network")
PROGRAM = "/usr/bin/networkctl"
PCI = "/sys/bus/pci/devices"
CARRIER_S = 10.0  # for a port to find out whether anything is at the other end
PAUSE_S = 1.0
_ASK_S = 10.0
_MOST = 1024 * 1024  # bytes of networkd's answer
_SHOWN = 4
_UNDECIDED = ("pending", "initialized")
_HINT = "networkctl status; journalctl -u systemd-networkd"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as networkd sees it; ``file`` is the .network file that it took for it."""

    name: str
    file: str | None
    setup: str
    carrier: bool
    online: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A state and its sentence; ``open`` says for how long it may still become a better one."""

    state: Literal["ok", "degraded", "failed", "skipped", "unknown"]
    message: str
    open: Literal["no", "short", "long"] = "no"


def networkd() -> str:
    """Return the answer of networkd, or raise ``Unreadable``."""
    argv = (PROGRAM, "--json=short", "--no-pager", "list")
    ended = child.run(child.program(argv), _ASK_S, _MOST)
    if ended.reason is not None:
        raise Unreadable(f"networkctl: {ended.reason}", absent="cannot be started" in ended.reason)
    if ended.status != 0:
        said = ended.err.decode("utf-8", "replace").strip().splitlines()
        raise Unreadable(f"networkctl: {said[-1] if said else f'status {ended.status}'}")
    if ended.cut:
        raise Unreadable(f"networkctl said more than {_MOST} bytes")
    return ended.out.decode("utf-8", "replace")


def parse(text: str) -> list[Link]:
    """Return the links in the answer, without the loopback, or raise ``ValueError``."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    entries = content.get("Interfaces") if isinstance(content, dict) else None
    if isinstance(entries, list):
        return [_link(entry) for entry in entries if _get(entry, "Type", str, "") != "loopback"]
    raise ValueError("it has no list of interfaces")


def _get(entry: object, name: str, kind: type, default: object) -> object:
    value = entry.get(name, default) if isinstance(entry, dict) else default
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{name} of an interface is of another type")
    return value


def _link(entry: object) -> Link:
    name = _get(entry, "Name", str, None)
    if not isinstance(name, str) or not name.isprintable():
        raise ValueError("an interface has no name")
    file = _get(entry, "NetworkFile", str, None)
    carrier = _get(entry, "CarrierState", str, "")
    state = _get(entry, "OnlineState", str, None)
    operational = _get(entry, "OperationalState", str, "")
    online = state == "online" if state is not None else operational in ("degraded", "routable")
    setup = str(_get(entry, "AdministrativeState", str, ""))
    return Link(
        name=name,
        file=str(file) if file else None,
        setup=setup,
        carrier=carrier in ("carrier", "degraded-carrier", "enslaved"),
        # An address of its own making is not yet the one that a link waits for.
        online=(online and setup == "configured") or carrier == "enslaved",
        required=_get(entry, "RequiredForOnline", bool, True) is not False,
    )


def wishes(root: Root) -> list[str]:
    """Return the .network files that somebody gave to this host; one of two namesakes counts."""
    found: dict[str, str] = {}
    for folder in WISHES:
        try:
            names = root.names(folder)
        except Unreadable:
            continue
        for name in names:
            if name.endswith(".network") and name not in found:
                found[name] = f"{folder}/{name}"
    return sorted(path for path in found.values() if _counts(root, path))


def _counts(root: Root, path: str) -> bool:
    """Say whether a file is more than a mask (empty, or a link to /dev/null)."""
    try:
        return bool(root.data(path).strip())
    except Unreadable as error:
        return not error.absent


def without_driver(root: Root) -> list[str]:
    """Return the addresses of network controllers on PCI that no driver has taken."""
    found = []
    try:
        addresses = root.names(PCI)
    except Unreadable:
        return []
    for address in addresses:
        try:
            kind = identifier(root.text(f"{PCI}/{address}/class"), 6)
        except (Unreadable, ValueError):
            continue
        if kind.startswith("02") and not root.exists(f"{PCI}/{address}/driver"):
            found.append(address)
    return found


def judge(links: Sequence[Link], wanted: Sequence[str], driverless: Sequence[str]) -> Finding:
    """Return what links, wishes and devices amount to."""
    configured = [link for link in links if link.file and link.setup != "unmanaged"]
    unmet = sorted(set(wanted) - {link.file for link in configured})
    if not configured:
        if any(link.setup in _UNDECIDED for link in links):
            return Finding("degraded", "systemd-networkd has not taken up any link.", "short")
        if driverless:
            text = f"No driver has taken the network device {_names(driverless)}."
            return Finding("failed", text, "short")
        if unmet:
            return Finding("degraded", f"No link is what {_names(unmet)} is for.", "short")
        return Finding("skipped", "This host has no link that is configured.")
    counted = [link for link in configured if link.required]
    if not counted:
        return Finding("ok", "No configured link is required to be online.")
    waiting = [link for link in counted if not link.online]
    online = [link.name for link in counted if link.online]
    if not online:
        linked = [link.name for link in waiting if link.carrier]
        if linked:
            text = f"No configured link is online, although {_names(linked)} has a carrier."
            return Finding("failed", text, "long")
        text = f"No configured link has a carrier: {_names([link.name for link in waiting])}."
        return Finding("degraded", text, "short")
    missing = [link for link in waiting if link.file in wanted]
    if missing:
        text = f"A configured link is not online: {_names([link.name for link in missing])}."
        return Finding("degraded", text, "long" if any(x.carrier for x in missing) else "short")
    if unmet:
        return Finding("degraded", f"No link is what {_names(unmet)} is for.", "short")
    return Finding("ok", f"Online as configured: {_names(online)}.")


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def ask(
    root: Root,
    delivery: Delivery | None,
    asked: Callable[[], str] = networkd,
    sleep: Callable[[float], None] = time.sleep,
) -> Check:
    """Judge the network, waiting for what may still come."""
    began = root.monotonic()
    while True:
        finding = _look(root, delivery, asked)
        passed = root.monotonic() - began
        limit = {"no": 0.0, "short": CARRIER_S, "long": NETWORK.limit_s or 0.0}[finding.open]
        if passed >= limit:
            good = finding.state in ("ok", "skipped")
            return Check(NETWORK.name, finding.state, finding.message, None if good else _HINT)
        sleep(min(PAUSE_S, limit - passed))


def _look(root: Root, delivery: Delivery | None, asked: Callable[[], str]) -> Finding:
    try:
        links = parse(asked())
    except Unreadable as error:
        if delivery == "image":
            return Finding("failed", f"systemd-networkd does not answer: {error.reason}.", "short")
        if error.absent or not root.exists("/run/systemd/netif"):
            return Finding("skipped", "systemd-networkd does not run on this host.")
        return Finding("unknown", f"The links are not known: {error.reason}.")
    except ValueError as error:
        return Finding("unknown", f"What systemd-networkd says is not understood: {error}.")
    return judge(links, wishes(root), without_driver(root))

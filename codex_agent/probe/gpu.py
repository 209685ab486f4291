# SPDX-License-Identifier: Apache-2.0
"""The GPUs: each that a compute driver has taken is asked through it, in a child that may hang.

A vendor is one entry in ``DRIVERS``: a function that, for the addresses of its devices, returns the
children to start. A child that ends with 0 has had an answer; its output or errors say the rest.
One that answered at the last good boot and has no such driver now, or is gone, is missed.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_agent.host import pci
from codex_agent.host.model import Check
from codex_agent.host.probes import GPU, marked
from codex_agent.host.reading import Unreadable
from codex_agent.host.text import count
from codex_agent.probe import answered, child, words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from codex_agent.host.model import CheckState
    from codex_agent.host.root import Root

    Asking = Callable[[Root, Sequence[str]], list["Question"]]

SMI = "/usr/bin/nvidia-smi"
# An image that is made for a vendor's devices must drive them; others need not.
FLAVOURS = {"nvidia": "10de", "amd": "1002", "intel": "8086"}
_DRM_VERSION = 0xC0406400  # DRM_IOCTL_VERSION: _IOWR('d', 0, struct drm_version)
_DRM_VERSION_BYTES = 64
_SHOWN = 3
_SHOWN_LOST = 2  # each takes a third of what a sentence may be long
_HINT = "journalctl -k --grep='nvidia|NVRM|amdgpu|i915|xe|drm|ai_gpu'"


@dataclass(frozen=True, slots=True)
class Question:
    """A child that asks the devices at ``addresses``; ``heard`` finds who answered in its words."""

    addresses: Sequence[str]
    body: child.Body
    heard: Callable[[bytes], set[str]] | None = None


def on_the_bus(root: Root, address: str) -> None:
    """Raise ``OSError`` where the device is no longer there: all that is read of it is ones."""
    handle = os.open(root.at(f"{pci.DEVICES}/{address}/config"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.read(handle, 2) == b"\xff\xff":
            raise OSError(0, "it has fallen off the bus")
    finally:
        os.close(handle)


def asked(root: Root, address: str, ask: Callable[[], None]) -> Question:
    """Return the question of one device: is it on the bus, and does ``ask`` come back."""

    def body() -> int:
        try:
            on_the_bus(root, address)
            ask()
        except OSError as error:
            reason = error.strerror or "no reason given"
            reason = reason[:1].lower() + reason[1:]
        except (Unreadable, ValueError) as error:
            reason = str(error)
        else:
            return 0
        os.write(2, reason.encode())
        return 1

    return Question([address], body)


def _opened(path: str, ask: Callable[[int], None] | None = None) -> None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, f"{path}: {os.strerror(error.errno or 0).lower()}") from None
    try:
        if ask is not None:
            ask(handle)
    finally:
        os.close(handle)


def nvidia(root: Root, addresses: Sequence[str]) -> list[Question]:
    """Ask nvidia-smi, which asks each device; without it, open each device's node."""
    if os.access(root.at(SMI), os.X_OK):
        argv = [root.at(SMI), "--query-gpu=pci.bus_id", "--format=csv,noheader"]
        return [Question(addresses, child.program(argv), bus_ids)]

    def one(address: str) -> Question:
        def ask() -> None:
            path = f"/proc/driver/nvidia/gpus/{address}/information"
            minor = re.search(r"^Device Minor:\s*([0-9]{1,4})$", root.text(path), re.MULTILINE)
            if minor is None:
                raise ValueError(f"{path} names no device")
            _opened(root.at(f"/dev/nvidia{count(minor[1])}"))

        return asked(root, address, ask)

    return [one(address) for address in addresses]


def bus_ids(output: bytes) -> set[str]:
    """Return the addresses in the form of sysfs that nvidia-smi has listed."""
    found = re.findall(
        r"^([0-9A-Fa-f]{4,8}):([0-9A-Fa-f]{2}):([0-9A-Fa-f]{2}\.[0-7])\s*$",
        output.decode("ascii", "replace"),
        re.MULTILINE,
    )
    return {f"{int(a, 16):04x}:{b}:{c}".lower() for a, b, c in found}


def drm(root: Root, addresses: Sequence[str]) -> list[Question]:
    """Open the node of each device, which wakes it, and ask its driver through it."""

    def version(handle: int) -> None:
        fcntl.ioctl(handle, _DRM_VERSION, bytearray(_DRM_VERSION_BYTES))

    def one(address: str) -> Question:
        def ask() -> None:
            names = root.names(f"{pci.DEVICES}/{address}/drm")
            nodes = [name for name in names if re.fullmatch(r"renderD[0-9]+|card[0-9]+", name)]
            if not nodes:
                raise ValueError("its driver has made no device node")
            _opened(root.at(f"/dev/dri/{nodes[-1]}"), version)
            # A figure that the firmware of the device itself gives, where the driver has it.
            busy = f"{pci.DEVICES}/{address}/gpu_busy_percent"
            if root.exists(busy):
                count(root.text(busy))

        return asked(root, address, ask)

    return [one(address) for address in addresses]


def ai_gpu(root: Root, addresses: Sequence[str]) -> list[Question]:
    """Ask our own module for the state of each device that it drives."""

    def one(address: str) -> Question:
        def ask() -> None:
            from codex_agent.kernel.abi.ai_gpu import State
            from codex_agent.kernel.errors import Refused, Unavailable
            from codex_agent.kernel.gpu.device import Device

            try:
                with Device.open(address) as device:
                    state = device.info().state
            except (Unavailable, Refused) as error:
                raise ValueError(str(error)) from None
            if state != State.ACTIVE:
                raise ValueError("ai_gpu says that it does not answer")

        return asked(root, address, ask)

    return [one(address) for address in addresses]


DRIVERS: Mapping[str, Asking] = {
    "nvidia": nvidia, "amdgpu": drm, "i915": drm, "xe": drm, "ai_gpu": ai_gpu,
}  # fmt: skip


def devices(root: Root) -> dict[str, str | None]:
    """Return the driver, or None, of each display controller, accelerator and device of ai_gpu."""
    found: dict[str, str | None] = {}
    functions = pci.functions(root)
    if functions.value is None and root.exists(pci.DEVICES):
        raise Unreadable(functions.reason or "the devices on PCI are not known")
    for address, _ in functions.value or []:
        found[address] = pci.driver(root, address).value
    driven = "/sys/bus/pci/drivers/ai_gpu"
    if root.exists(driven):
        found |= {name: "ai_gpu" for name in root.names(driven) if re.match(r"[0-9a-f]{4,}:", name)}
    return found


def computing(
    root: Root, found: Mapping[str, str | None], drivers: Mapping[str, Asking] = DRIVERS
) -> list[answered.Gpu]:
    """Return those with a driver that computes, as they are kept when a boot is found good.

    Virtual functions are left out: settings of the host make them, not what is built into it.
    """
    return [
        answered.Gpu(address, identity, driver)
        for address, driver in sorted(found.items())
        if driver is not None
        and driver in drivers
        and not root.exists(f"{pci.DEVICES}/{address}/physfn")
        and (identity := answered.identity(root, address)) is not None
    ]


def ask(
    root: Root,
    flavour: str | None,
    drivers: Mapping[str, Asking] = DRIVERS,
    limit_s: float | None = None,
) -> Check:
    """Ask every GPU, all at once, and judge what came back."""
    limit = limit_s or GPU.limit_s or 0.0
    try:
        found = devices(root)
    except Unreadable as error:
        text = f"Which GPUs there are is not known: {error.reason}."
        return marked(Check(GPU.name, "unknown", text))
    groups: dict[str, list[str]] = defaultdict(list)
    for address, driver in sorted(found.items()):
        if driver is not None and driver in drivers:
            groups[driver].append(address)
    silent = {a: "no driver has taken it" for a, d in found.items()
              if d is None and _promised(root, a, flavour)}  # fmt: skip
    questions = [
        q for driver, addresses in groups.items() for q in drivers[driver](root, addresses)
    ]
    ends = child.attend([child.Child(question.body) for question in questions], limit)
    for question, ended in zip(questions, ends, strict=True):
        silent |= _silent(question, ended)
    asked_count = sum(len(addresses) for addresses in groups.values())
    if silent:
        told = [f"{address} ({reason})" for address, reason in sorted(silent.items())]
        more = ", …" if len(told) > _SHOWN else ""
        noun = "1 GPU" if len(silent) == 1 else f"{len(silent)} GPUs"
        named = f"{', '.join(told[:_SHOWN])}{more}"
        text = f"{noun} of {max(asked_count, len(silent))} gave no answer: {named}"
        check = marked(Check(GPU.name, "failed", words.sentence(text), _HINT))
    elif asked_count:
        noun = "1 GPU answers" if asked_count == 1 else f"All {asked_count} GPUs answer"
        check = marked(Check(GPU.name, "ok", f"{noun} ({', '.join(groups)})."))
    else:
        others = sorted({driver or "no driver" for driver in found.values()})
        text = f"No device here has a driver that computes, only {', '.join(others)}"
        text = text if others else "This host has no GPU"
        check = marked(Check(GPU.name, "skipped", words.sentence(text)))
    # Those that gave no answer are told already.
    here = {address: driver for address, driver in found.items() if address not in silent}
    return _missed(root, check, computing(root, here, drivers), silent)


def _missed(
    root: Root, check: Check, answering: list[answered.Gpu], told: Collection[str]
) -> Check:
    """Return the check with what answered at an earlier boot and does not now.

    It gates nothing by itself: a person may have taken a card out, and a version that was found
    good stays so. The gate makes it count against a version on trial. What was lost before the last
    good boot counts against none.
    """
    state: CheckState
    try:
        before = answered.expected(root)
    except (Unreadable, ValueError) as error:
        state, hint = "degraded", "The next good boot makes the list anew."
        text = f"Which GPUs answered at the last good boot is not known: {error}"
    else:
        lost = [gpu for gpu in answered.missing(root, before, answering) if gpu.address not in told]
        if not lost:
            return check
        state = "degraded" if lost[0].lost else "failed"
        named = [answered.told(root, gpu) for gpu in lost[:_SHOWN_LOST]]
        if len(lost) > _SHOWN_LOST:
            named.append(f"and {len(lost) - _SHOWN_LOST} more")
        text = "; ".join(named)
        hint = f"codex probe --forget {lost[0].address} where it was taken out, or {_HINT}"
    if check.state == "failed":
        return replace(check, message=f"{check.message} {words.sentence(text)}")
    rest = f" {check.message}" if check.state == "ok" else ""
    return Check(GPU.name, state, words.sentence(text) + rest, hint)


def _promised(root: Root, address: str, flavour: str | None) -> bool:
    """Say whether this image is made for devices of this one's vendor."""
    vendor = FLAVOURS.get(flavour or "")
    try:
        return root.text(f"{pci.DEVICES}/{address}/vendor").strip() == f"0x{vendor}"
    except Unreadable:
        return False


def _silent(question: Question, ended: child.Ended) -> dict[str, str]:
    """Return the devices that gave no answer, each with the reason."""
    if ended.status != 0:
        said = words.said(ended)[0]
        reason = ended.reason or said or f"the question ended with status {ended.status}"
        return dict.fromkeys(question.addresses, reason.rstrip("."))
    heard = question.heard(ended.out) if question.heard else set(question.addresses)
    return dict.fromkeys(
        [address for address in question.addresses if address not in heard], "it was not listed"
    )

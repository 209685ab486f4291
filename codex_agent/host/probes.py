# SPDX-License-Identifier: Apache-2.0
"""The probes: what each asks, how long it may take, whether a boot can be good without it.

A probe is a line here and a function that answers with a ``Check``. Those that only read files are
asked anew for each snapshot. Those that start programs, open devices or wait for the network are
asked by ``codex probe`` (codex-probes.service), which leaves what it found in ``PLACE``; everybody
else, who has neither privilege nor time, reads it there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from codex_agent.host.model import Check, CheckState
from codex_agent.host.reading import Reading, Unreadable

if TYPE_CHECKING:
    from codex_agent.host.model import Delivery
    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root

PLACE = "/run/codex/probes.json"
SCHEMA = 1
OWN = "own-"  # begins the names of an operator's own probes
UNIT = "codex-probes.service"
_STATES: tuple[str, ...] = get_args(CheckState)
_OLD_S = 3600.0
_TEXT = 1000
_LONG_S = 1e12


@dataclass(frozen=True, slots=True)
class Probe:
    """``limit_s`` is None for one that only reads files of the kernel and so never waits.

    ``on_trial``: it gates a version that was not found good before, also where it gates no other.
    """

    name: str
    asks: str
    gates: bool = False
    limit_s: float | None = None
    on_trial: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a probe found; ``place`` is the file of an operator's own probe."""

    name: str
    asks: str
    state: CheckState
    message: str
    hint: str | None
    gates: bool
    limit_s: float
    took_s: float
    place: str | None = None

    def check(self) -> Check:
        """Return it as the verdict takes it."""
        return Check(self.name, self.state, self.message, self.hint, self.gates)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the probes found when they were asked, at ``monotonic_s`` of the host's own clock."""

    monotonic_s: float
    results: list[Result]


TIME = Probe("time", "Is the clock past the build of this system, and who keeps it right?",
             limit_s=5.0)  # fmt: skip
NETWORK = Probe("network", "Is each configured link up, with an address?", gates=True, limit_s=60.0)
GPU = Probe("gpu", "Does each GPU answer, through its own driver?", gates=True, limit_s=60.0,
            on_trial=True)  # fmt: skip
ASKED = (TIME, NETWORK, GPU)

PROBES = {
    probe.name: probe
    for probe in (
        Probe("root-verity", "Does dm-verity guard the root file system?", gates=True),
        Probe("secure-boot", "Is Secure Boot on?"),
        Probe("lockdown", "Is the kernel locked down?"),
        Probe("failed-units", "Has systemd started all that it should?"),
        Probe("disk-space", "Is there room on each file system that can be written to?",
              on_trial=True),
        Probe("ai-mem", "Is the module ai_mem loaded, and does it answer?", gates=True),
        Probe("ai-gpu", "Is the module ai_gpu loaded where it has work, and does it answer?",
              gates=True),
        Probe("configuration", "Is everything valid that a person gave to this host?"),
        Probe("agent", "Does the service answer over TLS?", gates=True, limit_s=30.0),
        *ASKED,
    )
}  # fmt: skip


def marked(check: Check) -> Check:
    """Return a check of ours with what its probe says about the boot."""
    return replace(check, gates=PROBES[check.name].gates)


def on_trial(check: Check) -> bool:
    """Say whether a check gates a version that was not found good before.

    One that leaves no room to write, or loses a GPU that answered before it, is not blessed: to go
    back is safe as long as it is counted.
    """
    probe = PROBES.get(check.name)
    return check.gates or (probe is not None and probe.on_trial)


def read(root: Root, ledger: Ledger, delivery: Delivery | None) -> list[Check]:
    """Return what the probes found that were asked on this host.

    An image asks them at each start, so that there their absence is a fault; elsewhere it is not.
    """

    def take() -> Asked:
        asked = parse(root.text(PLACE))
        if asked.monotonic_s > root.monotonic():
            raise Unreadable(f"{PLACE} is of another start of this host")
        return asked

    found = root.reading(PLACE, take)
    if found.value is None:
        absent = not root.exists(PLACE)
        why = "they were not asked since the start" if absent else (found.reason or "")
        skipped = absent and delivery == "host"
        state: CheckState = "skipped" if skipped else "unknown"
        text = f"What the probes found is not known: {why}."
        hint = None if skipped else f"systemctl status {UNIT}"
        return [marked(Check(probe.name, state, text, hint)) for probe in ASKED]
    # Not the file's time: the clock may have been set since.
    ledger.note("probes", Reading(found.value, PLACE, found.value.monotonic_s))
    age_s = found.observed - found.value.monotonic_s
    results = found.value.results
    missing = {probe.name for probe in ASKED} - {result.name for result in results}
    text = "This probe was not asked."
    return [
        *(marked(Check(name, "unknown", text, f"systemctl status {UNIT}"))
          for name in sorted(missing)),
        *(_dated(result.check(), age_s) for result in results),
    ]  # fmt: skip


def _dated(check: Check, age_s: float) -> Check:
    """Say of an old answer that it is one."""
    if age_s < _OLD_S or check.state == "skipped":
        return check
    hours = int(age_s // 3600)
    past = f"{hours} h" if hours < 48 else f"{hours // 24} days"
    return replace(check, message=f"{check.message} This was {past} ago.")


def parse(text: str) -> Asked:
    """Return what a file of ours holds, or raise ``ValueError``."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError("it is not of the schema that is known here")
    entries = content.get("results")
    found = [_result(entry) for entry in entries] if isinstance(entries, list) else []
    if not found:
        raise ValueError("it has no list of results")
    if len({result.name for result in found}) < len(found):
        raise ValueError("two results have one name")
    return Asked(_seconds(content, "monotonic_s"), found)


def _seconds(entry: dict[str, object], name: str) -> float:
    value = entry.get(name)
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 <= value < _LONG_S  # neither infinite nor no number at all
    ):
        return float(value)
    raise ValueError(f"{name} is not a time")


def _result(entry: object) -> Result:
    entry = entry if isinstance(entry, dict) else {}

    def text(name: str) -> str:
        value = entry.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _TEXT or not value.isprintable():
            raise ValueError(f"{name} of a result is not one line of text")
        return value

    state = entry.get("state")
    if not isinstance(state, str) or state not in _STATES:
        raise ValueError("the state of a result is not known")
    gates = entry.get("gates")
    if gates not in (True, False) or not isinstance(gates, bool):
        raise ValueError("gates of a result is neither true nor false")
    return Result(
        name=text("name"),
        asks=text("asks"),
        state=state,  # type: ignore[arg-type]
        message=text("message"),
        hint=None if entry.get("hint") is None else text("hint"),
        gates=gates,
        limit_s=_seconds(entry, "limit_s"),
        took_s=_seconds(entry, "took_s"),
        place=None if entry.get("place") is None else text("place"),
    )

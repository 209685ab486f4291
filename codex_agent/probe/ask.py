# SPDX-License-Identifier: Apache-2.0
"""Asks all probes once, one after the other, and keeps what they found for those who judge.

Whatever goes wrong with one is that one's answer: the others are asked, and there is an end.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_agent.host import probes, release
from codex_agent.host.plain import plain
from codex_agent.host.probes import GPU, NETWORK, TIME, Result
from codex_agent.probe import child, clock, gpu, network, own, words
from codex_agent.provision import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_agent.host.model import Check
    from codex_agent.host.root import Root

    Asking = Callable[[], Check]

# The first that is there; the programs of an operator run as this one.
ACCOUNTS = ("codex-probe", "nobody")
# All of an operator's probes together: the gate waits for them.
OWN_TOTAL_S = 300.0
_STRAYS_S = 2.0
_NO_NEW_PRIVILEGES, _SUBREAPER = 38, 36  # PR_SET_… (linux/prctl.h)


def built_in(root: Root) -> dict[probes.Probe, Asking]:
    """Return the probes of ours that have to be asked, each with its question."""
    named = release.os_release(root)
    delivery, image = release.delivery(named).value, release.image(named).value
    return {
        TIME: lambda: probes.marked(clock.ask(root)),
        NETWORK: lambda: probes.marked(network.ask(root, delivery)),
        GPU: lambda: gpu.ask(root, image.flavour if image else None),
    }


def everything(
    root: Root, ours: Mapping[probes.Probe, Asking] | None = None, *, only: str | None = None
) -> list[Result]:
    """Ask all probes, or the one of a name, and return what they found."""
    questions = built_in(root) if ours is None else ours
    found = [_ours(probe, ask) for probe, ask in questions.items() if only in (None, probe.name)]
    wanted, broken = own.load(root)
    account = unprivileged() if wanted else None
    found += [result for result in broken if only in (None, result.name)]
    deadline = time.monotonic() + OWN_TOTAL_S
    for entry in wanted:
        if only in (None, entry.name):
            found.append(_theirs(entry, account, deadline))
            end_strays()
    return found


def _ours(probe: probes.Probe, ask: Asking) -> Result:
    began = time.monotonic()
    try:
        check = ask()
        state, message, hint, gates = check.state, check.message, check.hint, check.gates
    except Exception as error:  # noqa: BLE001 - a defect of one probe must not silence the others
        state, hint, gates = "unknown", "codex --debug probe shows where.", probe.gates
        message = f"A defect of this program: {type(error).__name__}: {error}"
    return Result(
        name=probe.name,
        asks=probe.asks,
        state=state,
        message=words.sentence(message),
        hint=None if hint is None else words.line(hint),
        gates=gates,
        limit_s=probe.limit_s or 0.0,
        took_s=round(time.monotonic() - began, 3),
    )


def _theirs(entry: own.Own, account: child.Account | None, deadline: float) -> Result:
    text = f"It was not asked: all of these probes together may take {OWN_TOTAL_S:g} s."
    hint = f"Give the files of {own.FOLDER} shorter limits."
    if time.monotonic() + entry.timeout_s <= deadline:
        try:
            return own.ask(entry, account)
        except Exception as error:  # noqa: BLE001 - as for ours
            text = words.sentence(f"A defect of this program: {type(error).__name__}: {error}")
            hint = "codex --debug probe shows where."
    return Result(entry.name, entry.asks, "failed", text, hint, entry.required, entry.timeout_s,
                  0.0, entry.place)  # fmt: skip


def unprivileged() -> child.Account | None:
    """Return the account for an operator's programs; None where we have no rights to drop."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return child.Account(name, entry.pw_uid, entry.pw_gid)
    return child.Account("65534", 65534, 65534)


def confine() -> None:
    """Let no child of this process get privileges, and become the parent of all that are left."""
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    library.prctl(_SUBREAPER, 1, 0, 0, 0)


def end_strays() -> None:
    """Kill what a probe has left behind outside of its group; only after ``confine``."""
    ours = (ctypes.c_int * 1)()
    ctypes.CDLL(None).prctl(37, ours, 0, 0, 0)  # PR_GET_CHILD_SUBREAPER
    if not ours[0]:
        return
    deadline = time.monotonic() + _STRAYS_S
    while (left := _children()) and time.monotonic() < deadline:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with suppress(OSError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def _children() -> list[int]:
    """Return the processes whose parent is this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_bytes()
            except OSError:
                continue
            # The name before it may hold blanks and parentheses.
            if int(status.rpartition(b")")[2].split()[1]) == os.getpid():
                found.append(int(entry.name))
    return found


def document(root: Root, results: list[Result]) -> dict[str, Any]:
    """Return what is kept, as JSON can hold it; ``results.schema.json`` describes it."""
    taken_at = datetime.fromtimestamp(root.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "schema": probes.SCHEMA,
        "taken_at": taken_at,
        "monotonic_s": root.monotonic(),
        "results": [plain(result) for result in results],
    }


def keep(root: Root, results: list[Result]) -> None:
    """Put the results in their place, whole."""
    content = json.dumps(document(root, results), indent=2).encode() + b"\n"
    files.write(Path(root.at(probes.PLACE)), content, files.PUBLIC_FILE)

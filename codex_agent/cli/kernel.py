# SPDX-License-Identifier: Apache-2.0
"""``codex kernel``: what the kernel services say, and a request through both modules."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.host.root import Root

if TYPE_CHECKING:
    import argparse

    from codex_agent.kernel.request import RequestResult

EXIT_DEGRADED = 1
EXIT_WRONG = 1
EXIT_UNAVAILABLE = 69
EXIT_DENIED = 77
DEVICES = Path("/dev")
_LABEL = 16


def run(arguments: argparse.Namespace) -> int:
    """Do what the second word of the command asks for."""
    if arguments.action == "request":
        return request(arguments.device, as_json=arguments.json)
    return stats(Root(), as_json=arguments.json)


def stats(root: Root, *, as_json: bool) -> int:
    """Print how the kernel services stand; fails where one should answer and does not."""
    from codex_agent.cli import services
    from codex_agent.host.plain import plain
    from codex_agent.host.services import checks
    from codex_agent.kernel import stats as kernel

    found = kernel.read(root)
    print(json.dumps(plain(found), indent=2) if as_json else services.text(found), flush=True)
    bad = any(check.state not in ("ok", "skipped") for check in checks(found))
    return EXIT_DEGRADED if bad else 0


def request(device: int | str, *, as_json: bool) -> int:
    """Take a request through pool and device; a success is a right result without a copy."""
    from codex_agent.host.plain import plain
    from codex_agent.kernel import request as whole
    from codex_agent.kernel.errors import Refused, Unavailable

    try:
        result = whole.run(device)
    except (Refused, Unavailable) as error:
        node = f"ai_gpu{device}" if isinstance(device, int) else None
        raise _failed(error, node) from error
    right = result.passed and result.copied_bytes == 0
    if as_json:
        outcome = {"passed": right, "copied_bytes": result.copied_bytes}
        print(json.dumps({**outcome, **plain(result)}, indent=2), flush=True)
    else:
        print(text(result, right=right), flush=True)
    return 0 if right else EXIT_WRONG


def _failed(error: CodexError, node: str | None) -> CodexError:
    """Return the error as a person needs it, with what the command ends with."""
    from codex_agent.kernel.errors import Refused, Unavailable

    text = f"The request was not made: {error.message}."
    nodes = [DEVICES / name for name in ("ai_mem", node) if name is not None]
    closed = [path for path in nodes if path.exists() and not os.access(path, os.R_OK | os.W_OK)]
    refused = isinstance(error, Refused) and error.errno in (errno.EPERM, errno.EACCES)
    if refused or (closed and isinstance(error, Unavailable)):
        hint = error.hint if os.geteuid() == 0 else "sudo codex kernel request"
        return CodexError(text, hint=hint, exit_code=EXIT_DENIED)
    if isinstance(error, Unavailable):
        return CodexError(text, hint=error.hint, exit_code=EXIT_UNAVAILABLE)
    return CodexError(text, hint=error.hint, exit_code=EXIT_WRONG)


def text(result: RequestResult, *, right: bool) -> str:
    """Return what was done, what was checked and how much was copied."""
    from codex_agent.cli.rows import size
    from codex_agent.problem import shown

    states = {True: "passed", False: "FAILED", None: "unknown"}
    why = f" ({result.backend_reason})" if result.backend_reason else ""
    by = f"{result.explicit_copied_bytes} by this program, {result.bounced_bytes} by the kernel"
    rows = [
        ("Request", "right, nothing copied" if right else "NOT as it should be"),
        ("Memory from", f"{result.backend}{why}"),
        ("Device", f"{result.device}, {result.identity} at {result.address}"),
        ("Data", f"{size(result.length)} to the device and back"),
        ("Computed", f"{result.argument}! modulo 2^32 = {result.result}"),
        ("Copied", f"{result.copied_bytes} bytes ({by})"),
        *(
            ("" if place else "Checks", f"{states[check.passed]}  {check.name}: {check.detail}")
            for place, check in enumerate(result.checks)
        ),
    ]
    return "\n".join(f"{label:<{_LABEL}} {shown(words)}" for label, words in rows)

# SPDX-License-Identifier: Apache-2.0
"""Runs a piece of a test in a child made by fork."""

from __future__ import annotations

import os
import traceback
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def run(work: Callable[[], object]) -> int:
    """Return the child's exit status: 0, or 1 when ``work`` raised; it never runs on in here."""
    with warnings.catch_warnings():
        # Other suites' threads may be alive; the child does not wait for anything of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - it must not become a second test run
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

# SPDX-License-Identifier: Apache-2.0
"""One turn of `codex update apply` on a pretended host, and one that is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import applying
from codex_agent.update.exits import UpdateError
from codex_agent.update.flow import Wish

if TYPE_CHECKING:
    from codex_agent.update.flow import Outcome
    from tests.unit.agent.update.hosts import Host


def apply(machine: Host, source: object, **wish: object) -> Outcome:
    with machine.updater(str(source)).alone() as turn:
        return applying.apply(turn, Wish(**wish))  # type: ignore[arg-type]


def refused(machine: Host, source: object, **wish: object) -> UpdateError:
    with pytest.raises(UpdateError) as caught:
        apply(machine, source, **wish)
    error = caught.value
    # One sentence and one hint; a full stop ends the sentence and nothing else does.
    assert re.fullmatch(r"[^\n]+\.", error.message)
    assert error.hint
    return error

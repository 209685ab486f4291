# SPDX-License-Identifier: Apache-2.0
"""One file to fetch, and what must be so when it came or did not come."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from codex_agent.update.exits import UpdateError
from codex_agent.update.fetch import Fetcher
from tests.unit.agent.update.releases import noise

if TYPE_CHECKING:
    from pathlib import Path

    from codex_agent.update.http import Http

NAME = "codex-os_0.1.11_x86-64.efi"
CONTENT = noise(3_000_000, 7)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
SOON_S = 0.6


def fetcher(source: Http, **named: object) -> Fetcher:
    return Fetcher(source, sleep=lambda _s: None, **named)  # type: ignore[arg-type]


def get(source: Http, stage: Path, **named: object) -> Fetcher:
    work = fetcher(source, **named)
    assert work.file(NAME, len(CONTENT), DIGEST, stage).read_bytes() == CONTENT
    assert [path.name for path in stage.iterdir()] == [NAME]
    return work


def refused(source: Http, stage: Path, **named: object) -> UpdateError:
    with pytest.raises(UpdateError) as caught:
        fetcher(source, **named).file(NAME, len(CONTENT), DIGEST, stage)
    assert not (stage / NAME).exists()
    return caught.value

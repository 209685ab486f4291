# SPDX-License-Identifier: Apache-2.0
"""Prints the OpenAPI document: ``python -m codex_agent.api > docs/openapi.json``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import NoReturn

from codex_agent.api.app import routes
from codex_agent.api.description import describe
from codex_agent.api.envelope import encode
from codex_agent.api.service import Identity, Service
from codex_agent.host.root import Root


def _nothing() -> NoReturn:
    raise RuntimeError("the routes are only described")


def main() -> None:
    """Describe the routes of a service that is never started."""
    service = Service(
        identity=Identity("0", (), datetime.fromtimestamp(0, UTC)),
        token="",
        allowed_hosts=(),
        root=Root(),
        take=_nothing,
        interval_s=2.0,
        pages={},
    )
    sys.stdout.buffer.write(encode(describe(routes(service))))


if __name__ == "__main__":
    main()

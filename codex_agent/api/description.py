# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

if TYPE_CHECKING:
    from fastapi import FastAPI

_TEXT = """The agent of one host.

Every answer in JSON has the keys `success`, `data` and `error`; a value that cannot be read is null
and has its reason in `readings` (`/api/kernel/stats`: in `reason`, or in `missing` for a single
figure). Changes are pushed over the WebSocket `/api/realtime`: first
`{"type": "connected", "version", "interval_ms"}`, then `{"type": "host", "seq", "data"}` where
`data` is what `/api/host` returns, and `{"type": "updates", "seq", "data"}` with what
`/api/updates` returns; other types may be added. Errors are
`{"type": "error", "code", "message", "hint"}` before the connection is closed with 4401 (token),
4403 (origin), 4404 (no such repository), 4400 (not a valid question) or 1009 (message too long).
What is asked and told about repositories is in docs/api-repositories.md.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document for the routes of ``app``."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=_TEXT, routes=app.routes
        )
        # In Python the attribute cannot be called what it is called in JSON.
        function = document["components"]["schemas"]["PciFunction"]
        function["properties"] = {
            ("class" if name == "class_id" else name): value
            for name, value in function["properties"].items()
        }
        function["properties"]["class"]["title"] = "Class"
        function["required"] = ["class" if n == "class_id" else n for n in function["required"]]
        app.openapi_schema = document
    return app.openapi_schema

# SPDX-License-Identifier: Apache-2.0
"""The one shape of every answer: ``success``, ``data``, ``error``, all keys always present."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import pydantic_core
from pydantic import BaseModel
from starlette.responses import Response

T = TypeVar("T")


class ErrorBody(BaseModel):
    """What went wrong: a fixed code for programs, a sentence and a hint for people."""

    code: str
    message: str
    hint: str


class Envelope(BaseModel, Generic[T]):
    """An answer; ``data`` is null where ``success`` is false, ``error`` where it is true."""

    success: bool
    data: T | None
    error: ErrorBody | None


class ApiError(Exception):
    """An error that becomes an answer in the envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "hint": hint}
        self.headers = headers or {}

    def content(self) -> bytes:
        """Return the envelope as JSON."""
        return encode({"success": False, "data": None, "error": self.body})

    def response(self) -> Response:
        """Return the answer."""
        return JsonResponse(self.content(), self.status, self.headers)


class JsonResponse(Response):
    """JSON that is already encoded."""

    media_type = "application/json"


def encode(content: Any) -> bytes:
    """Return JSON for people and programs: indented, with a newline at its end."""
    return pydantic_core.to_json(content, indent=2) + b"\n"


def answer(data: Any, status: int = 200) -> Response:
    """Return data in the envelope."""
    return JsonResponse(encode({"success": True, "data": data, "error": None}), status)

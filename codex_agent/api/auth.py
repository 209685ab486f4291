# SPDX-License-Identifier: Apache-2.0
"""Who may ask: the token, sessions made from it, and a brake on guessing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

from codex_agent.api.envelope import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection

COOKIE = "codex_session"
SESSION_S = 12 * 3600
#: What a session without a name is called.
UNNAMED = "somebody"
_MOST_SESSIONS = 256
_MOST_CLIENTS = 1024
_GUESSES = 10  # wrong tokens from one address before it is told to wait
_REFILL_S = 6.0  # until one more guess is allowed


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class Guard:
    """Knows the token and the sessions; keeps neither a session's id nor a client's guesses.

    Sessions live in memory only: they end with the process, and so with a change of the token.
    """

    def __init__(self, token: str, monotonic: Callable[[], float]) -> None:
        self._token = _digest(token)
        self._monotonic = monotonic
        self._sessions: OrderedDict[bytes, float] = OrderedDict()
        self._names: dict[bytes, str] = {}
        self._guesses: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def is_token(self, text: str) -> bool:
        """Compare in constant time, whatever the lengths are."""
        return hmac.compare_digest(_digest(text), self._token)

    def open_session(self, called: str | None = None) -> str:
        """Return the id of a new session; the oldest gives way where there are too many.

        ``called`` is what its holder wants to be called: no proof, all of them have one token.
        """
        name = secrets.token_urlsafe(32)
        now = self._monotonic()
        while self._sessions and next(iter(self._sessions.values())) <= now:
            self._names.pop(self._sessions.popitem(last=False)[0], None)
        while len(self._sessions) >= _MOST_SESSIONS:
            self._names.pop(self._sessions.popitem(last=False)[0], None)
        self._sessions[_digest(name)] = now + SESSION_S
        if called is not None:
            self._names[_digest(name)] = called
        return name

    def is_session(self, name: str) -> bool:
        """Say whether a session is known and has not run out."""
        ends = self._sessions.get(_digest(name))
        return ends is not None and ends > self._monotonic()

    def close_session(self, name: str) -> None:
        """Forget a session."""
        self._sessions.pop(_digest(name), None)
        self._names.pop(_digest(name), None)

    def refuse(self, client: str, message: str, hint: str) -> ApiError:
        """Count a wrong guess and return the error that answers it.

        The right token is never held up by the wrong ones of others behind the same address: with
        256 random bits the brake only has to keep noise down.
        """
        now = self._monotonic()
        left, since = self._guesses.pop(client, (float(_GUESSES), now))
        left = min(float(_GUESSES), left + (now - since) / _REFILL_S)
        allowed = left >= 1.0
        self._guesses[client] = (left - 1.0 if allowed else left, now)
        while len(self._guesses) > _MOST_CLIENTS:
            self._guesses.popitem(last=False)
        if allowed:
            headers = {"WWW-Authenticate": 'Bearer realm="codex"'}
            return ApiError(401, "unauthorized", message, hint, headers)
        wait = max(1, round((1.0 - left) * _REFILL_S))
        text = "Too many wrong tokens came from this address."
        hint = f"Wait {wait} s; sudo codex token show prints the right one."
        return ApiError(429, "too_many_attempts", text, hint, {"Retry-After": str(wait)})

    def name_of(self, connection: HTTPConnection) -> str | None:
        """Return what the holder of a session is called; None for who has the token itself.

        Only for a connection that ``check`` has let pass.
        """
        if connection.headers.get("authorization") is not None:
            return None
        return self._names.get(_digest(connection.cookies.get(COOKIE, "")), UNNAMED)

    def check(self, connection: HTTPConnection) -> None:
        """Let a request or WebSocket with a token or session pass, or raise ``ApiError``."""
        header = connection.headers.get("authorization")
        client = connection.client.host if connection.client else "-"
        if header is not None:
            scheme, _, credentials = header.partition(" ")
            if scheme.lower() == "bearer" and self.is_token(credentials.strip()):
                return
            text = "The token is not the one of this host."
            raise self.refuse(client, text, "sudo codex token show prints the right one.")
        cookie = connection.cookies.get(COOKIE)
        if cookie is not None and self.is_session(cookie):
            return
        if cookie is not None:
            text = "The session is not known or has run out."
            raise ApiError(401, "unauthorized", text, "Sign in again with the token.")
        text = "This needs a token or a session."
        raise ApiError(
            401,
            "unauthorized",
            text,
            "Send Authorization: Bearer with the token that sudo codex token show prints.",
            {"WWW-Authenticate": 'Bearer realm="codex"'},
        )

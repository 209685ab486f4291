# SPDX-License-Identifier: Apache-2.0
"""Asks the library in threads: bounded in number, and stopped when whoever asked goes away."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from codex_agent.api.envelope import ApiError
from codex_agent.errors import CodexError
from codex_agent.repos import errors
from codex_agent.repos.cancel import Cancel
from codex_agent.repos.notes import NotYoursError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

T = TypeVar("T")

#: Threads for questions that are answered in a moment, and for those that git works on for long.
QUICK, SLOW = 6, 2
#: Questions that may wait for each; what comes beyond is told to come again.
QUICK_WAITING, SLOW_WAITING = 256, 8

_STATUS: tuple[tuple[type[errors.RepoError], int, str], ...] = (
    (errors.UnknownRepositoryError, 404, "no_repository"),
    (errors.NotFoundError, 404, "not_found"),
    (NotYoursError, 403, "not_yours"),
    (errors.NotAllowedError, 403, "not_allowed"),
    (errors.UnsupportedError, 409, "unsupported"),
    (errors.GoneError, 410, "gone"),
    (errors.DamagedError, 409, "damaged"),
    (errors.TooMuchError, 422, "too_much"),
    (errors.BusyError, 503, "busy"),
    (errors.CancelledError, 503, "cancelled"),
    (errors.QuestionError, 422, "invalid"),
)


def answer_of(error: CodexError) -> ApiError:
    """Return what a failure of the library is over HTTP."""
    hint = error.hint or "See docs/api-repositories.md."
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            headers = {"Retry-After": "2"} if status == 503 else None
            return ApiError(status, code, error.message, hint, headers)
    return ApiError(503, "unavailable", error.message, hint, {"Retry-After": "10"})


def reading() -> ApiError:
    """Return the answer while the graph of a repository is read for the first time."""
    text = "The history is being read for the first time."
    hint = "/api/repos tells how far it is; /api/commits answers already."
    return ApiError(503, "reading", text, hint, {"Retry-After": "1"})


class Desk:
    """The threads; each kind of question has its own, so that slow ones hold up no quick one."""

    def __init__(self) -> None:
        self._pools = {
            False: ThreadPoolExecutor(QUICK, thread_name_prefix="ask"),
            True: ThreadPoolExecutor(SLOW, thread_name_prefix="ask-slow"),
        }
        self._waiting = {False: 0, True: 0}
        self._running: set[Cancel] = set()

    async def run(self, cancel: Cancel, question: Callable[[], T], *, slow: bool = False) -> T:
        """Run a question in a thread; when the task is cancelled, so is what works for it."""
        most = SLOW_WAITING + SLOW if slow else QUICK_WAITING + QUICK
        if self._waiting[slow] >= most:
            text = "Too many questions wait for an answer."
            raise ApiError(503, "busy", text, "Ask again in a moment.", {"Retry-After": "2"})
        loop = asyncio.get_running_loop()
        self._waiting[slow] += 1
        self._running.add(cancel)

        def checked() -> T:
            cancel.check()
            return question()

        future = loop.run_in_executor(self._pools[slow], checked)

        def done(_: object) -> None:
            self._waiting[slow] -= 1
            self._running.discard(cancel)

        future.add_done_callback(done)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cancel.cancel()
            future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise

    async def ask(
        self, request: Request, question: Callable[[Cancel], T], *, slow: bool = False
    ) -> T:
        """Answer a request; what works for it is stopped as soon as the client has gone."""
        cancel = Cancel()
        working = asyncio.create_task(self.run(cancel, lambda: question(cancel), slow=slow))
        leaving = asyncio.create_task(gone(request))
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                # Nobody reads this answer.
                raise ApiError(503, "cancelled", "The client has gone.", "Ask again.")
            return working.result()
        except CodexError as error:
            raise answer_of(error) from error
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    def close(self) -> None:
        """Stop all that works, and wait for nobody."""
        for cancel in list(self._running):
            cancel.cancel()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


async def gone(request: Request) -> None:
    """Wait until the client has gone; its body was read before."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return

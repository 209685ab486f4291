# SPDX-License-Identifier: Apache-2.0
"""What the routes share: guard, sampler, hub, page, and whether the service is ready."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.api.auth import Guard
from codex_agent.api.door import Door
from codex_agent.api.envelope import ApiError
from codex_agent.api.origin import Gatekeeper
from codex_agent.api.realtime import Hub
from codex_agent.api.repos.common import Repos
from codex_agent.host.model import Check
from codex_agent.host.reading import Unreadable
from codex_agent.host.sampler import Sampler
from codex_agent.update.known import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from fastapi import FastAPI

    from codex_agent.api.pages import File
    from codex_agent.host.model import HostSnapshot
    from codex_agent.host.root import Root
    from codex_agent.host.snapshot import Sample
    from codex_agent.kernel.figures import KernelStats
    from codex_agent.update.known import Answer

SHARED_S = 1.0  # a snapshot this young answers the next request too


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this service is: version, names in its certificate, and until when that lasts."""

    version: str
    names: tuple[str, ...]
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the service can do its work, and the checks that say so."""

    ready: bool
    checks: list[Check]


class Service:
    """The state of one running service."""

    def __init__(
        self,
        *,
        identity: Identity,
        token: str,
        allowed_hosts: Iterable[str],
        root: Root,
        take: Callable[[], Sample],
        interval_s: float,
        pages: dict[str, File],
        repos: Repos | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.identity = identity
        self.guard = Guard(token, monotonic)
        self.gatekeeper = Gatekeeper([*identity.names, *allowed_hosts])
        self.sampler = Sampler(take, monotonic)
        self.updates = Reader(root).updates
        self.hub = Hub(self.sampler, interval_s, monotonic, self.updates)
        self._door = Door(root)
        self.pages = pages
        # Without any, every question about one is answered with 404.
        self.repos = repos or Repos(list, (), Path("/nonexistent"), Path("/nonexistent"))
        self._monotonic = monotonic
        self._wall = wall

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Let go of repositories when the service ends."""
        yield
        await asyncio.to_thread(self.repos.close)

    async def host(self) -> HostSnapshot:
        """Return a snapshot that is at most a second old, or raise ``Unreadable``."""
        return (await self._sample()).shown(self._monotonic())

    async def kernel_stats(self) -> KernelStats:
        """Return how the kernel services stood at most a second ago, or raise ``Unreadable``."""
        return (await self._sample()).services.shown(self._monotonic())

    async def ask(self, request: dict[str, str]) -> Answer:
        """Ask root for an update, the way back or a restart; a refusal is an ``ApiError``."""
        closed = self.updates().closed
        if closed is not None:
            hint = "codex update on the host itself does the same."
            raise ApiError(503, "closed", closed, hint)
        said = await self._door.ask(request)
        if not said.accepted:
            hint = said.hint or "codex update status shows how updates stand."
            raise ApiError(409, said.kind, said.message, hint)
        return said

    async def _sample(self) -> Sample:
        return await self.sampler.get(min(SHARED_S, self.hub.interval_s))

    async def readiness(self) -> Readiness:
        """Check what the service needs for its work."""
        checks = [await self._sampling(), self._page(), self._certificate()]
        return Readiness(all(check.state == "ok" for check in checks), checks)

    async def _sampling(self) -> Check:
        try:
            await self.sampler.get(self.hub.interval_s)
        except Unreadable as error:
            return Check("sampler", "failed", f"The host cannot be read: {error.reason}.")
        return Check("sampler", "ok", "The host can be read.")

    def _page(self) -> Check:
        if "/" in self.pages:
            return Check("page", "ok", "The page is there.")
        text = "The page is not part of this installation."
        return Check("page", "failed", text, "make image builds it.")

    def _certificate(self) -> Check:
        until = self.identity.valid_until
        if datetime.fromtimestamp(self._wall(), UTC) < until:
            return Check("certificate", "ok", f"The certificate is valid until {until:%Y-%m-%d}.")
        text = f"The certificate has run out on {until:%Y-%m-%d}."
        return Check("certificate", "failed", text, "systemctl start codex-provision.service")

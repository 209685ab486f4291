# SPDX-License-Identifier: Apache-2.0
"""The agent's HTTPS service as a client sees it."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support import timeouts


@dataclass(frozen=True)
class Service:
    """Where the agent answers; ``token`` is the secret that opens it."""

    url: str
    ca_file: Path
    token: str

    def client(self, *, token: str | None = None, trust: Path | None = None) -> httpx.Client:
        """HTTP client that trusts only the host's own CA (or ``trust``) and sends ``token``."""
        context = ssl.create_default_context(cafile=str(trust or self.ca_file))
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return httpx.Client(
            base_url=self.url, verify=context, headers=headers, timeout=timeouts.REQUEST_S,
            trust_env=False,
        )  # fmt: skip

    def get(self, path: str) -> Any:
        """Return ``data`` of the answer to an authorised GET, which has to succeed."""
        with self.client(token=self.token) as client:
            answer = client.get(path)
        answer.raise_for_status()
        return answer.json()["data"]

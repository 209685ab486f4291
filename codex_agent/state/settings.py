# SPDX-License-Identifier: Apache-2.0
"""What the known files of the layer set, against the default of this version; without secrets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING

from codex_agent.config import formats, load, update
from codex_agent.config.layers import file_layer
from codex_agent.config.model import KEYS
from codex_agent.state.model import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_agent.config.model import Key, Value
    from codex_agent.host.root import Root

DEFAULT_HOSTNAME = "codex"
LIMIT = 64 * 1024
_USER_OF_URL = re.compile(r"(?<=://)[^/@\s]*@")
_QUERY = re.compile(r"\?.*$")


def agent(root: Root) -> tuple[Setting, ...]:
    """Return the settings of the agent that its file changes."""
    return _toml(root, load.VENDOR, load.HOST, KEYS)


def updates(root: Root) -> tuple[Setting, ...]:
    """Return the policy of updates where its file changes it."""
    return _toml(root, update.VENDOR, update.HOST, update.KEYS)


def _toml(root: Root, vendor: str, host: str, keys: Mapping[str, Key]) -> tuple[Setting, ...]:
    defaults: dict[str, Value] = {name: key.default for name, key in keys.items()}
    defaults.update(file_layer(root, vendor, keys).values)
    values = file_layer(root, host, keys).values
    return tuple(
        Setting(name, written(name, defaults[name]), written(name, value))
        for name, value in sorted(values.items())
        if value != defaults[name]
    )


def written(name: str, value: Value) -> str:
    """Return a value as TOML has it, without what could be a secret in it."""
    if name.startswith("update.drain_") and isinstance(value, tuple):
        # The words behind a program may be a token of whoever drains the host.
        return json.dumps([[command[0], "…"] if len(command) > 1 else list(command)
                           for command in value], ensure_ascii=False)  # fmt: skip
    if isinstance(value, str):
        return json.dumps(masked(value), ensure_ascii=False)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def masked(text: str) -> str:
    """Return an address without the name, password or token that it may carry."""
    return _QUERY.sub("?…", _USER_OF_URL.sub("…@", text)) if "://" in text else text


def hostname(root: Root, path: str) -> tuple[Setting, ...]:
    """Return the name that the file gives to the host."""
    return (Setting("hostname", DEFAULT_HOSTNAME, root.text(path, LIMIT).strip()),)


def keys(root: Root, path: str) -> str:
    """Return the fingerprints of the keys in an authorized_keys file, as ssh-keygen -l has them."""
    found = [
        _fingerprint(line.split())
        for line in root.text(path, LIMIT).splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return ", ".join(found) if found else "no key"


def _fingerprint(words: list[str]) -> str:
    for kind, blob in pairwise(words):
        if formats.authorized_keys(f"{kind} {blob}") is None:
            digest = hashlib.sha256(base64.b64decode(blob)).digest()
            return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
    return "a line that is no key"


def probe(root: Root, path: str) -> str:
    """Return what an operator's own probe starts."""
    content = tomllib.loads(root.text(path, LIMIT))
    argv = content.get("argv")
    program = argv[0] if isinstance(argv, list) and argv and isinstance(argv[0], str) else None
    required = "a boot is bad when it fails" if content.get("required") is True else "optional"
    return f"starts {program or 'nothing that can be read'}, {required}"

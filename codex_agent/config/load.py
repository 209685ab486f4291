# SPDX-License-Identifier: Apache-2.0
"""Puts the layers of configuration together and remembers where each value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.config.layers import Layer, environment_layer, file_layer
from codex_agent.config.model import KEYS, Config, Value, build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_agent.host.root import Root
    from codex_agent.problem import Problem

VENDOR = "/usr/lib/codex/agent.toml"
HOST = "/etc/codex/agent.toml"
CREDENTIAL = "codex.agent"
DEFAULT = "built in"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration, the place that sets each key, and what was wrong with any layer."""

    config: Config
    values: dict[str, Value]
    places: dict[str, str]
    problems: list[Problem]


def load(
    root: Root,
    environment: Mapping[str, str],
    *,
    credentials: str | None = None,
    home: str | None = None,
) -> Loaded:
    """Read all layers in rising order: vendor, host, credential, user, environment.

    ``credentials`` is the folder of the unit's credentials, ``home`` a user's home; without them
    these layers do not exist. A layer with a mistake is left out as a whole, a name that is not
    known alone; both are told as a problem.
    """
    layers: list[Layer] = [file_layer(root, VENDOR), file_layer(root, HOST)]
    if credentials:
        layers.append(file_layer(root, f"{credentials}/{CREDENTIAL}"))
    if home:
        layers.append(file_layer(root, f"{home}/.config/codex/agent.toml"))
    layers.append(environment_layer(environment))
    values: dict[str, Value] = {name: key.default for name, key in KEYS.items()}
    places = dict.fromkeys(KEYS, DEFAULT)
    for layer in layers:
        values.update(layer.values)
        places.update(layer.places)
    problems = [problem for layer in layers for problem in layer.problems]
    return Loaded(build(values), values, places, problems)

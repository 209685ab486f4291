# SPDX-License-Identifier: Apache-2.0
"""Makes dataclasses of JSON that somebody else has written, or says what does not fit.

Nothing is turned into what it is not: a number in the place of a text, a name too many or one too
few is an error, so that what passes is what the dataclass says.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
LONGEST = 1000  # characters of one text
MOST = 5000  # entries of one list or mapping


def taken(kind: type[T], given: DataclassInstance, **more: Any) -> T:
    """Return a ``kind`` with what another dataclass has of it, and ``more``."""
    names = {entry.name for entry in dataclasses.fields(given)}
    wanted = {entry.name for entry in dataclasses.fields(kind)} - more.keys()  # type: ignore[arg-type]
    return kind(**{name: getattr(given, name) for name in wanted & names}, **more)


def parse(content: bytes, kind: type[T]) -> T:
    """Return the dataclass that JSON holds, or raise ``ValueError``."""
    try:
        data = json.loads(content, object_pairs_hook=_once)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    found: T = fit(data, kind, "it")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: two readers could take it in two ways."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def fit(value: Any, kind: Any, name: str) -> Any:
    """Return ``value`` as ``kind``; ``name`` is what a person is told."""
    if dataclasses.is_dataclass(kind):
        return _object(value, kind, name)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _either(value, inner, name)
    if origin is Literal:
        # By type as well: to Python, True is 1.
        if any(type(value) is type(word) and value == word for word in inner):
            return value
        raise ValueError(f"{name} is none of the words that are known")
    if origin is list:
        if not isinstance(value, list) or len(value) > MOST:
            raise ValueError(f"{name} is not a list of at most {MOST} entries")
        return [fit(entry, inner[0], f"an entry of {name}") for entry in value]
    if origin is dict:
        if not isinstance(value, dict) or len(value) > MOST:
            raise ValueError(f"{name} is not an object of at most {MOST} entries")
        return {
            fit(key, inner[0], f"a name in {name}"): fit(entry, inner[1], f"an entry of {name}")
            for key, entry in value.items()
        }
    return _plain(value, kind, name)


def _object(value: Any, kind: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")  # noqa: TRY004 - content, not a call
    wanted = {entry.name for entry in dataclasses.fields(kind)}
    if wanted != value.keys():
        raise ValueError(f"{name} has not the names that it should have")
    hints = _hints(kind)
    return kind(**{part: fit(value[part], hints[part], part) for part in wanted})


def _either(value: Any, kinds: tuple[Any, ...], name: str) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    (kind,) = (entry for entry in kinds if entry is not types.NoneType)
    return fit(value, kind, name)


def _plain(value: Any, kind: Any, name: str) -> Any:
    if kind is str:
        if isinstance(value, str) and len(value) <= LONGEST and value.isprintable():
            return value
        raise ValueError(f"{name} is not one line of text")
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise ValueError(f"{name} is neither true nor false")
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int):
        raise ValueError(f"{name} is not a number")  # noqa: TRY004 - as above
    if not math.isfinite(value) or not 0 <= value < 2**63:
        raise ValueError(f"{name} is not a number that can be")
    return kind(value)

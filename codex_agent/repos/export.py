# SPDX-License-Identifier: Apache-2.0
"""A history as a file: JSON and CSV of its commits, glTF 2.0 of the scene."""

from __future__ import annotations

import base64
import colorsys
import csv
import io
import json
import struct
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from codex_agent.repos.scene import hue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.repos.branches import BranchNode
    from codex_agent.repos.scene import Commit3D

_DAY_S = 86_400
_COLUMNS = ("sha", "timestamp", "author", "author_email", "branch", "x", "y", "z", "message")
_FLOAT, _UNSIGNED = 5126, 5125  # glTF 2.0, componentType
_ARRAY, _ELEMENTS = 34962, 34963  # bufferView.target
_POINTS, _LINES = 0, 1  # primitive.mode


def as_json(commits: Sequence[Commit3D], branches: Sequence[BranchNode]) -> str:
    """Return commits and branches as the routes tell them."""
    content = {
        "commits": [asdict(commit) for commit in commits],
        "branches": [asdict(node) for node in branches],
    }
    return json.dumps(content, indent=1) + "\n"


def as_csv(commits: Sequence[Commit3D]) -> str:
    """Return one line a commit (RFC 4180); a null is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, "parents"])
    for commit in commits:
        row = [_cell(getattr(commit, name)) for name in _COLUMNS]
        writer.writerow([*row, " ".join(commit.parents)])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def as_gltf(commits: Sequence[Commit3D]) -> str:
    """Return the scene as one glTF file: commits are points, parents are lines.

    Units: a lane, a day, a step of depth. Commits without a place in time are left out.
    """
    placed = [commit for commit in commits if None not in (commit.x, commit.y, commit.z)]
    place = {commit.sha: at for at, commit in enumerate(placed)}
    points: list[tuple[float, float, float]] = []
    colours: list[tuple[float, float, float]] = []
    for commit in placed:
        points.append((float(commit.x or 0), (commit.y or 0) / _DAY_S, float(commit.z or 0)))
        colours.append(colorsys.hls_to_rgb(hue(commit.author_email) / 360, 0.6, 0.7))
    lines = [
        (place[commit.sha], place[parent])
        for commit in placed for parent in commit.parents if parent in place
    ]  # fmt: skip
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "codex git export"},
        "scene": 0,
        "scenes": [{"nodes": [0] if placed else []}],
    }
    if placed:
        document |= _meshes(points, colours, lines)
        document["nodes"] = [{"mesh": 0, "name": "history"}]
    return json.dumps(document) + "\n"


def _meshes(
    points: list[tuple[float, float, float]],
    colours: list[tuple[float, float, float]],
    lines: list[tuple[int, int]],
) -> dict[str, Any]:
    parts = [
        b"".join(struct.pack("<3f", *row) for row in points),
        b"".join(struct.pack("<3f", *row) for row in colours),
        b"".join(struct.pack("<2I", *row) for row in lines),
    ]
    views, at = [], 0
    for part, target in zip(parts, (_ARRAY, _ARRAY, _ELEMENTS), strict=True):
        if part:
            views.append({"buffer": 0, "byteOffset": at, "byteLength": len(part),
                          "target": target})  # fmt: skip
        at += len(part)
    # What stands in the file is a float of 4 bytes, and the bounds have to be the same.
    stored = [struct.unpack("<3f", struct.pack("<3f", *row)) for row in points]
    bounds = [[choose(row[axis] for row in stored) for axis in range(3)] for choose in (min, max)]
    accessors: list[dict[str, Any]] = [
        {"bufferView": 0, "componentType": _FLOAT, "count": len(points), "type": "VEC3",
         "min": bounds[0], "max": bounds[1]},
        {"bufferView": 1, "componentType": _FLOAT, "count": len(points), "type": "VEC3"},
    ]  # fmt: skip
    attributes = {"POSITION": 0, "COLOR_0": 1}
    primitives: list[dict[str, Any]] = [{"attributes": attributes, "mode": _POINTS}]
    if lines:
        accessors.append({"bufferView": 2, "componentType": _UNSIGNED, "count": 2 * len(lines),
                          "type": "SCALAR"})  # fmt: skip
        primitives.append({"attributes": attributes, "indices": 2, "mode": _LINES})
    content = base64.b64encode(b"".join(parts)).decode()
    uri = f"data:application/octet-stream;base64,{content}"
    return {
        "meshes": [{"primitives": primitives}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": at, "uri": uri}],
    }

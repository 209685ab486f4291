# SPDX-License-Identifier: Apache-2.0
"""The page: the files that the build put into ``codex_agent/web/dist``, held in memory."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from codex_agent.api.envelope import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request

DIST = Path(__file__).resolve().parent.parent / "web" / "dist"
INDEX = "/"
_MOST = 16 * 1024 * 1024  # bytes of all files
# The build puts the hash of a file's content into its name below this folder.
_HASHED = "/assets/"
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent."""

    content: bytes
    type: str
    tag: str
    cache: str


def _type(path: Path) -> str:
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    if kind is None:
        return "application/octet-stream"
    text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
    return f"{kind}; charset=utf-8" if text else kind


def load(folder: Path = DIST) -> dict[str, File]:
    """Return the files by the path of their address; nothing else can ever be asked for."""
    files: dict[str, File] = {}
    total = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        total += len(content)
        if total > _MOST:
            raise ValueError(f"the page in {folder} is larger than {_MOST} bytes")
        address = "/" + path.relative_to(folder).as_posix()
        hashed = address.startswith(_HASHED)
        cache = "public, max-age=31536000, immutable" if hashed else "no-cache"
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        files[address] = File(content, _type(path), tag, cache)
    if "/index.html" in files:
        files[INDEX] = files.pop("/index.html")
    return files


def answer(files: dict[str, File], request: Request) -> Response:
    """Return the file of an address, or raise ``ApiError`` (404, 503)."""
    path = request.url.path
    found = files.get(path)
    if found is None:
        if path == INDEX:
            text = "The page is not part of this installation."
            raise ApiError(503, "no_page", text, "make image builds it.")
        raise ApiError(404, "not_found", "There is nothing at this address.", "The page is at /.")
    headers = {"ETag": found.tag, "Cache-Control": found.cache}
    known = request.headers.get("if-none-match", "")
    if found.tag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.type)

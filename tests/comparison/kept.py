# SPDX-License-Identifier: Apache-2.0
"""Where portraits and the table of differences lie."""

import json
from pathlib import Path

from builder.paths import Paths

from tests.comparison.portrait import Portrait


def folder() -> Path:
    """Return ``build/portraits``."""
    return Paths.find().build / "portraits"


def write(name: str, found: Portrait) -> Path:
    """Keep a portrait, with the version of the image that it is of or is compared with."""
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"{name}.json"
    about = {"version": Paths.find().latest_version(), "portrait": found}
    path.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read(name: str) -> Portrait:
    """Read a portrait; LookupError where there is none of the latest image's version."""
    path = folder() / f"{name}.json"
    about = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not about or about["version"] != Paths.find().latest_version():
        raise LookupError(
            f"There is no portrait of the {name} of this version; `make test-roles` takes it first."
        )
    found: Portrait = about["portrait"]
    return found


def write_table(name: str, text: str) -> Path:
    """Keep the table of the differences between the image and a host."""
    path = folder() / f"image-and-{name}.md"
    path.write_text(text, encoding="utf-8")
    return path

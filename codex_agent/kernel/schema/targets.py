# SPDX-License-Identifier: Apache-2.0
"""Which files are made from the schemas, and whether they are what they should be."""

from __future__ import annotations

import os
from pathlib import Path

from codex_agent.errors import CodexError
from codex_agent.kernel.schema import emit_procfile, emit_pyproc, emit_python, emit_uapi
from codex_agent.kernel.schema.load import load

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
MODULES = ("ai_mem", "ai_gpu")


def texts(schemas: Path = HERE) -> dict[str, str]:
    """Return the text of every file that is made, by its path in the repository."""
    made: dict[str, str] = {}
    for name in MODULES:
        module = load(schemas / f"{name}.toml")
        if module.name != name:
            raise CodexError(
                f"{name}.toml describes {module.name}", hint="a schema has its module's name"
            )
        made[f"kernel/linux/include/uapi/codex/{name}.h"] = emit_uapi.emit(module)
        made[f"kernel/linux/include/codex/{name}_proc.h"] = emit_procfile.emit(module)
        made[f"codex_agent/kernel/abi/{name}.py"] = emit_python.emit(module)
        made[f"codex_agent/kernel/abi/{name}_proc.py"] = emit_pyproc.emit(module)
    return made


def differing(repository: Path = REPOSITORY) -> list[str]:
    """Return the paths of files that are missing or not what would be made now."""
    _require(repository)
    return [
        path
        for path, text in texts().items()
        if not (repository / path).is_file() or (repository / path).read_bytes() != text.encode()
    ]


def write(repository: Path = REPOSITORY) -> list[str]:
    """Write what differs, each file whole or not at all, and return the paths."""
    changed = differing(repository)
    made = texts()
    for path in changed:
        target = repository / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            part.write_bytes(made[path].encode())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return changed


def _require(repository: Path) -> None:
    """Refuse to work on an installed package: the headers would land somewhere in the system."""
    if not (repository / "kernel" / "linux").is_dir():
        raise CodexError(
            f"{repository} holds no kernel/linux, so it is not the repository",
            hint="run it in a checkout",
        )

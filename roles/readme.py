# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program in a folder of roles, no package
"""Write each role's README.md from its argument specs and defaults.

``python3 roles/readme.py`` writes them; with ``--check`` it writes nothing and exits 1 if one is
stale.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parent


def load(path: Path) -> Any:
    """Return the content of a YAML file, None where there is no such file."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def roles() -> list[Path]:
    """Return the folders of all roles, sorted by name."""
    return sorted(path.parent.parent for path in ROLES.glob("*/meta/main.yml"))


def plain(text: str | list[str]) -> list[str]:
    """Return paragraphs with Ansible's ``C(...)`` markup as Markdown code."""
    paragraphs = [text] if isinstance(text, str) else text
    return [re.sub(r"C\(([^)]*)\)", r"`\1`", paragraph) for paragraph in paragraphs]


def kind(option: dict[str, Any]) -> str:
    """Return the type of a variable in words."""
    name = str(option.get("type", "str"))
    if "elements" in option:
        name = f"{name} of {option['elements']}"
    if "choices" in option:
        name = " or ".join(f"`{choice}`" for choice in option["choices"])
    return name


def default(name: str, option: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Return the default of a variable as it would be written in YAML's flow style."""
    if option.get("required"):
        return "none, has to be set"
    value = defaults[name]
    return "`" + (value if isinstance(value, str) and value else json.dumps(value)) + "`"


def readme(role: Path) -> str:
    """Return the README of a role."""
    spec = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]
    meta = load(role / "meta/main.yml")
    defaults = load(role / "defaults/main.yml") or {}
    platforms = ", ".join(
        f"{entry['name']} {' and '.join(entry['versions'])}"
        for entry in meta["galaxy_info"]["platforms"]
    )
    needs = ", ".join(f"`{entry['role']}`" for entry in meta["dependencies"]) or "no other role"
    lines = [
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        "<!-- Made by roles/readme.py from meta/argument_specs.yml; change that file. -->",
        f"# {role.name}",
        "",
        f"{spec['short_description']}.",
        "",
        *(line for paragraph in plain(spec["description"]) for line in (paragraph, "")),
        f"Runs on {platforms}. Depends on {needs}.",
        "",
        "## Variables",
        "",
    ]
    if spec["options"]:
        lines += ["| name | type | default | meaning |", "|---|---|---|---|"]
        for name, option in spec["options"].items():
            meaning = " ".join(plain(option["description"]))
            cells = (f"`{name}`", kind(option), default(name, option, defaults), meaning)
            lines.append("| " + " | ".join(cells) + " |")
    else:
        lines.append("None.")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check all READMEs; return the exit status."""
    if arguments not in ([], ["--check"]):
        print(f"usage: {sys.argv[0]} [--check]", file=sys.stderr)
        return 64
    stale = []
    for role in roles():
        path, text = role / "README.md", readme(role)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not arguments:
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'stale, run python3 roles/readme.py' if arguments else 'written'}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

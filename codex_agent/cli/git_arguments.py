# SPDX-License-Identifier: Apache-2.0
"""The words of ``codex repos`` and ``codex git``; imports nothing heavy."""

from __future__ import annotations

import argparse


def _rows(text: str) -> int:
    """Return a number of rows from the command line."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= 10**9:
        raise argparse.ArgumentTypeError("must be a number from 1 to 1000000000")
    return int(text)


def add_repos(repos: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Add what ``codex repos`` knows."""
    actions = repos.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
        return actions.add_parser(
            name, help=text, description=f"{text}.", epilog=epilog, parents=[common]
        )

    add = action(
        "add",
        "Show a repository that lies in one of the roots",
        "The service reads it with an account of its own (codex-agent, group codex-repos), which "
        "has to be able to. Exit status: 0 done, 3 not in a root, 4 a format that git does not "
        "know here, 5 there is none, 64 the name is taken.",
    )
    add.add_argument("path", metavar="PATH", help="the repository, with or without a work tree")
    add.add_argument("--name", metavar="NAME", help="what people call it, instead of its folder")
    action("list", "List what is shown").add_argument(
        "--json", action="store_true", help="print it as JSON"
    )
    action("remove", "Show a repository no more; itself it stays as it is").add_argument(
        "repo", metavar="REPO", help="id or name"
    )


def add_git(git: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Add what ``codex git`` knows."""
    actions = git.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str, limit: int | None) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=text, description=f"{text}.", parents=[common])
        parser.add_argument(
            "--repo", default=".", metavar="REPO", help="id, name or path (the current directory)"
        )
        if name != "branches":
            parser.add_argument(
                "--limit", type=_rows, default=limit, metavar="N",
                help=f"commits at most ({limit or 'all'})",
            )  # fmt: skip
        if name != "export":
            parser.add_argument("--json", action="store_true", help="print it as JSON")
        return parser

    action("commits", "Show the newest commits", 30)
    heatmap = action("heatmap", "Show which files change most", 1000)
    heatmap.add_argument("--files", type=_rows, default=30, metavar="N", help="rows at most (30)")
    heatmap.add_argument("--lines", action="store_true", help="count lines; that may take long")
    action("branches", "Show branches, and what was merged into them", None)
    export = action("export", "Write the history into a file", None)
    export.add_argument("--format", choices=["json", "csv", "gltf"], default="json")
    export.add_argument("--output", required=True, metavar="FILE", help="where to write it")
    export.add_argument("--force", action="store_true", help="replace a file that is there")

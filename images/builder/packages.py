# SPDX-License-Identifier: Apache-2.0
"""What the roles install that is ours: package codex-agent, with page and locked dependencies."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from builder import deb, log, native, stamp
from builder.paths import Paths
from builder.tree import Tree
from builder.version import Version

LAUNCHER = """\
#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path.insert(0, "/usr/lib/codex-agent/lib")
from codex_agent.cli.main import entry

entry()
"""
CONTROL = """\
Package: codex-agent
Version: {version}
Architecture: amd64
Maintainer: Codex OS developers <codex-os@localhost>
Depends: python3 (>= {python}), python3 (<< {next_python})
Section: admin
Priority: optional
Description: agent of an AI host
 Shows what the host is and how it is, over HTTPS and on the command line.
"""
# Where the tools tree has not the Python of the target: that one compiles when it installs.
POSTINST = """\
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -e
[ "$1" = configure ] || exit 0
python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/codex-agent/lib
"""
PRERM = """\
#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -e
find /usr/lib/codex-agent/lib -depth -type d -name __pycache__ -exec rm -r {} +
"""
BUILD = """\
\"\"\"Written when the package was made.\"\"\"

VERSION = "{version}"
COMMIT = "{commit}"
"""
PIP_INSTALL = ("install", "--quiet", "--require-hashes", "--only-binary=:all:", "--no-deps")
PIP_HINT = "The network or the Python package index failed."
# The root is sealed, so sources cannot differ from what was compiled, and mtimes are not kept.
COMPILE = ("python3", "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash")


@dataclass(frozen=True)
class Target:
    """A Debian release: its number, its Python, and the first Python that is too new for it."""

    number: str
    python: str
    next_python: str


#: The first one is that of the tools tree and of the image.
TARGETS = {
    "trixie": Target("13", "3.13", "3.14"),
    "bookworm": Target("12", "3.11", "3.12"),
}
# Wheels of another Python than the one that fetches them, for the C library of bookworm (2.36).
PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")


class Packages:
    """Builds below ``build/``; of the agent, ``build/packages`` holds exactly one package."""

    def __init__(self, paths: Paths, tree: Tree) -> None:
        self.paths = paths
        self.tree = tree
        self.log = paths.logs / "packages.log"

    def ensure_venv(self) -> None:
        """Make the Python environment of linters and tests, from the hash-locked list."""
        folder = self.paths.root / "requirements"
        requirements: list[Path] = [folder / "agent.txt", folder / "dev.txt"]
        wanted = stamp.digest(files=requirements, words=[self._tools()])
        made = stamp.Stamp(self.paths.stamps, "venv")
        if made.fresh(wanted) and (self.paths.venv / "bin/python").is_symlink():
            return
        title = "Making the Python environment for tests and linters"
        with made.renewed(wanted), log.step(title):
            shutil.rmtree(self.paths.venv, ignore_errors=True)
            self.tree.run(["python3", "-m", "venv", self.paths.venv], log=self.log)
            for name in requirements:
                argv: list[str | Path] = [self.paths.venv / "bin/pip", *PIP_INSTALL, "-r", name]
                self.tree.run(argv, log=self.log, hint=PIP_HINT)

    def ensure_page(self) -> Path:
        """Build the page with Vite in the tree and return its folder."""
        web = self.paths.root / "codex_agent/web"
        wanted = stamp.digest(files=[web], words=[self._tools()])
        made = stamp.Stamp(self.paths.stamps, "page")
        if not (made.fresh(wanted) and (web / "dist/index.html").exists()):
            with made.renewed(wanted), log.step("Building the page"):
                self.ensure_node_modules()
                self.tree.run(["npm", "run", "build"], log=self.log, cwd=web, env=self._npm())
        return web / "dist"

    def ensure_node_modules(self, folder: str = "codex_agent/web") -> None:
        """Fetch the locked dependencies of the page, or of another folder with a package.json."""
        place = self.paths.root / folder
        wanted = stamp.digest(files=[place / "package-lock.json"], words=[self._tools()])
        made = stamp.Stamp(self.paths.stamps, f"node-modules-{place.name}")
        if made.fresh(wanted) and (place / "node_modules").is_dir():
            return
        with made.renewed(wanted):
            argv = ["npm", "ci", "--no-audit", "--no-fund"]
            hint = "The network or the npm registry failed."
            self.tree.run(argv, log=self.log, cwd=place, env=self._npm(), hint=hint)

    def _npm(self) -> dict[str, str]:
        cache = str(self.paths.build / "cache/npm")
        return {"npm_config_cache": cache, "npm_config_update_notifier": "false"}

    def agent_package(self, version: Version, suite: str = "trixie") -> Path:
        """Where the package of a version is for a Debian release; the image takes trixie's."""
        ours = "packages" if suite == "trixie" else f"packages-{suite}"
        folder = self.paths.build / ours
        return folder / f"codex-agent_{version.number}+deb{TARGETS[suite].number}_amd64.deb"

    def ensure_agent(self, version: Version, suite: str = "trixie") -> Path:
        """Return the Debian package of this version, rebuilt when anything in it changed."""
        target = TARGETS[suite]
        package = self.agent_package(version, suite)
        page = self.ensure_page()
        native.ensure(self.paths, self.tree)
        dependencies = self._dependencies(target)
        sources = [
            p
            for p in (self.paths.root / "codex_agent").iterdir()
            if p.name not in {"web", "__pycache__"}
        ]
        wanted = stamp.digest(
            files=[*sources, self.paths.root / "pyproject.toml"],
            words=[
                version.number,
                version.commit,
                *(LAUNCHER, CONTROL, POSTINST, PRERM),
                stamp.digest(files=[page]),
                dependencies.name,
            ],
        )
        made = stamp.Stamp(self.paths.stamps, "agent" if suite == "trixie" else f"agent-{suite}")
        if made.fresh(wanted) and package.exists():
            return package
        with made.renewed(wanted), log.step("Packing the agent"):
            self._pack(package, version, target, dependencies, page)
        return package

    def _tools(self) -> str:
        return stamp.Stamp(self.paths.stamps, "tools").path.read_text()

    def _dependencies(self, target: Target) -> Path:
        """Return the unpacked wheels of requirements/agent.txt, named by what made them."""
        lockfile = self.paths.root / "requirements/agent.txt"
        own = target == TARGETS["trixie"]
        other = [] if own else other_python(target.python)
        digest = stamp.digest(files=[lockfile], words=[self._tools(), *other])
        name = "agent-lib" if own else f"agent{target.number}-lib"
        folder = self.paths.build / f"{name}-{digest[:16]}"
        if not folder.exists():
            with log.step("Fetching the agent's locked dependencies"):
                for old in self.paths.build.glob(f"{name}-*"):
                    shutil.rmtree(old)
                new = self.paths.build / f"{name}.new"
                shutil.rmtree(new, ignore_errors=True)
                pip: list[str | Path] = [
                    "python3",
                    "-m",
                    "pip",
                    *PIP_INSTALL,
                    "--no-compile",
                    "--target",
                    new,
                ]
                self.tree.run([*pip, *other, "-r", lockfile], log=self.log, hint=PIP_HINT)
                shutil.rmtree(new / "bin", ignore_errors=True)
                for tests in [p for p in new.rglob("tests") if p.is_dir()]:
                    shutil.rmtree(tests)
                new.rename(folder)
        return folder

    def _pack(
        self, package: Path, version: Version, target: Target, dependencies: Path, page: Path
    ) -> None:
        stage = deb.stage(self.paths, "agent")
        library = stage / "usr/lib/codex-agent/lib"
        shutil.copytree(dependencies, library)
        ignore = shutil.ignore_patterns(
            "__pycache__", "node_modules", "*.pyc", "*.[ch]", "Makefile"
        )
        shutil.copytree(
            self.paths.root / "codex_agent",
            library / "codex_agent",
            ignore=lambda folder, names: (
                set(names) if folder.endswith("codex_agent/web") else ignore(folder, names)
            ),
        )
        shutil.copytree(page, library / "codex_agent/web/dist")
        build = BUILD.format(version=version.number, commit=version.commit)
        (library / "codex_agent/_build.py").write_text(build)
        launcher = stage / "usr/bin/codex"
        launcher.parent.mkdir(parents=True)
        launcher.write_text(LAUNCHER)
        control = CONTROL.format(
            version=f"{version.number}+deb{target.number}",
            python=target.python,
            next_python=target.next_python,
        )
        (stage / "DEBIAN/control").write_text(control)
        programs = [launcher]
        if target == TARGETS["trixie"]:
            deb.normalise(stage, programs)
            self.tree.run([*COMPILE, "-s", stage, library], log=self.log)
        else:
            for name, text in (("postinst", POSTINST), ("prerm", PRERM)):
                (stage / "DEBIAN" / name).write_text(text)
                programs.append(stage / "DEBIAN" / name)
            deb.normalise(stage, programs)
        deb.build(self.paths, self.tree, stage, package, epoch=version.epoch, log=self.log)


def other_python(python: str) -> list[str]:
    """Return pip's words for wheels of another CPython, e.g. ``"3.11"``."""
    words = ["--implementation=cp", f"--python-version={python}"]
    words += [f"--abi={abi}" for abi in (f"cp{python.replace('.', '')}", "abi3", "none")]
    return [*words, *(f"--platform={name}_x86_64" for name in PLATFORMS)]

# SPDX-License-Identifier: Apache-2.0
"""What the roles install that is ours: package codex-agent, with page and locked dependencies."""

import shutil
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
Depends: python3 (>= 3.13), python3 (<< 3.14)
Section: admin
Priority: optional
Description: agent of an AI host
 Shows what the host is and how it is, over HTTPS and on the command line.
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

    def ensure_agent(self, version: Version) -> Path:
        """Return the Debian package of this version, rebuilt when anything in it changed."""
        package = self.paths.packages / f"codex-agent_{version.number}+deb13_amd64.deb"
        page = self.ensure_page()
        native.ensure(self.paths, self.tree)
        dependencies = self._dependencies()
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
                LAUNCHER,
                CONTROL,
                stamp.digest(files=[page]),
                dependencies.name,
            ],
        )
        made = stamp.Stamp(self.paths.stamps, "agent")
        if made.fresh(wanted) and package.exists():
            return package
        with made.renewed(wanted), log.step("Packing the agent"):
            self._pack(package, version, dependencies, page)
        return package

    def _tools(self) -> str:
        return stamp.Stamp(self.paths.stamps, "tools").path.read_text()

    def _dependencies(self) -> Path:
        """Return the unpacked wheels of requirements/agent.txt, named by what made them."""
        lockfile = self.paths.root / "requirements/agent.txt"
        digest = stamp.digest(files=[lockfile], words=[self._tools()])
        folder = self.paths.build / f"agent-lib-{digest[:16]}"
        if not folder.exists():
            with log.step("Fetching the agent's locked dependencies"):
                for old in self.paths.build.glob("agent-lib-*"):
                    shutil.rmtree(old)
                new = self.paths.build / "agent-lib.new"
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
                self.tree.run([*pip, "-r", lockfile], log=self.log, hint=PIP_HINT)
                shutil.rmtree(new / "bin", ignore_errors=True)
                for tests in [p for p in new.rglob("tests") if p.is_dir()]:
                    shutil.rmtree(tests)
                new.rename(folder)
        return folder

    def _pack(self, package: Path, version: Version, dependencies: Path, page: Path) -> None:
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
        (stage / "DEBIAN/control").write_text(CONTROL.format(version=f"{version.number}+deb13"))
        deb.normalise(stage, [launcher])
        self.tree.run([*COMPILE, "-s", stage, library], log=self.log)
        deb.build(self.paths, self.tree, stage, package, epoch=version.epoch, log=self.log)

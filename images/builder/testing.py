# SPDX-License-Identifier: Apache-2.0
"""`make check` and `make test`: what is run, in which order."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from builder import accel, command, kernel_checks, kernel_files, keys, log, native
from builder.errors import BuildError
from builder.image import Image
from builder.kernel_packages import KernelPackages
from builder.modules import Modules
from builder.packages import Packages
from builder.paths import Paths
from builder.plain_host import PlainHost
from builder.role_tests import IMAGE_PORTRAIT, RoleTests, run_in_tree
from builder.settings import Settings
from builder.tree import Tree
from builder.version import of as version_of

SHELL_FILES = (
    "images/builder/in-tree",
    "images/builder/front-door",
    "images/scripts/*",
    "images/initrd/trim",
    "images/**/usr/lib/codex/*",
    "images/tree/usr/lib/systemd/system-generators/*",
    "kernel/linux/probe/*.sh",
    "roles/*/files/hooks/*",
    "roles/*/files/*.sh",
    "roles/kernel_modules/files/module-key",
    "kernel/packaging/*/p*",
    "tests/kernel/**/*.sh",
    ".ci/run",
)
# actionlint, which the unit tests of the workflows call.
HOUSE = "tests/unit/house"
# Half of their time they wait for programs, so every processor gets some.
UNIT = ("-q", "--numprocesses=auto", "--maxprocesses=8", "--dist=worksteal", "tests/unit")
KERNEL = "tests/kernel"
DKMS = "tests/dkms"
UPDATES = "tests/updates"
SUITES = ("tests/image", "tests/boot", UPDATES, "tests/host", "tests/web")
# What `make test-boot` tries of it: all kinds, and so many power cuts, of which some are booted.
EVERY_ATTACK = ("--all-attacks", "--cuts=400", "--booted-cuts=10")


class Tests:
    """Runs linters and suites inside the tools tree."""

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self.paths = paths
        self.settings = settings
        self.tree = Tree(paths)
        self.packages = Packages(paths, self.tree)

    def check(self) -> None:
        """Run linters, types and unit tests: every one of them, and tell the failures together."""
        self.tree.ensure()
        self.tree.ensure_kernel()
        kernel_files.ensure(self.paths, self.tree)
        native.ensure(self.paths, self.tree)
        self.packages.ensure_venv()
        self.packages.ensure_node_modules()
        self.packages.ensure_node_modules(HOUSE)
        bin_ = self.paths.venv / "bin"
        found = [path for pattern in SHELL_FILES for path in sorted(self.paths.root.glob(pattern))]
        shell = [path for path in found if path.is_file()]
        web = self.paths.root / "codex_agent/web"
        failed = []
        checks: list[tuple[str, Sequence[str | Path], Path]] = [
            ("ruff", [bin_ / "ruff", "check", "."], self.paths.root),
            ("ruff format", [bin_ / "ruff", "format", "--check", "."], self.paths.root),
            ("mypy", [bin_ / "mypy"], self.paths.root),
            ("shellcheck", ["shellcheck", *shell], self.paths.root),
            ("clang-format", kernel_checks.form(self.paths), self.paths.root),
            ("checkpatch", kernel_checks.style(self.paths), self.paths.root),
            ("yamllint", [bin_ / "yamllint", "--strict", "."], self.paths.root),
            ("ansible-lint", [bin_ / "ansible-lint", "--offline", "--strict"], self.paths.root),
            ("the page's types, lint and tests", ["npm", "run", "--silent", "check"], web),
            ("unit tests", [bin_ / "python", "-m", "pytest", *UNIT], self.paths.root),
        ]
        for name, argv, folder in checks:
            try:
                with log.step(name, quiet=False):
                    self._stream(argv, folder, name)
            except BuildError:
                failed.append(name)
        if failed:
            raise BuildError(f"Failed: {', '.join(failed)}.", hint="The lines of each stand above.")

    def everything(self) -> None:
        """Run the fast checks first, then every suite on the image; one guest serves them all."""
        if self.settings.tests:
            self.suites(self.settings.tests.split())
            return
        self.check()
        self.kernel()
        self.suites(SUITES)

    def kernel(self, *options: str) -> None:
        """Check and compile the kernel modules for each kernel, and try them in small guests."""
        self._ensure_kernel()
        for release in self._releases():
            kernel_checks.compilers(self.paths, self.tree, release)
        kernel_checks.semantic(self.paths, self.tree)
        self._pytest([KERNEL, *options])

    def dkms(self) -> None:
        """Try the DKMS package on a plain Debian host, with both kernels that it may have."""
        self.tree.ensure()
        self.packages.ensure_venv()
        native.ensure(self.paths, self.tree)
        KernelPackages(self.paths, self.tree).ensure_dkms(version_of(self.paths))
        host = PlainHost(self.paths, self.tree).ensure()
        accel.choose(self.paths, self.tree, next(host.glob("*/vmlinuz")))
        self._pytest([DKMS])

    def roles(self) -> None:
        """Apply the roles to plain hosts, in every scenario or one, beside the booted image."""
        self.tree.ensure()
        self.packages.ensure_venv()
        tests = RoleTests(self.paths, self.settings, self.tree)
        tests.prepare()
        if tests.compared():
            # The image first: what is known of it is compared with each host.
            self._pytest([IMAGE_PORTRAIT])
        tests.run(run_in_tree(self.tree, self.paths))

    def boot(self) -> None:
        """Attack updates in guests, in every way that is known; leaves a table of the outcomes."""
        # Each guest has two processors, and waits much of its time; each process has one guest, or
        # two for a while, and disks of some gigabytes.
        processes = min(max(2, (os.cpu_count() or 1) // 2), 4)
        beside = (f"--numprocesses={processes}", "--dist=worksteal")
        self.suites([UPDATES], (*EVERY_ATTACK, *beside))

    def bench(self) -> None:
        """Measure; tests/bench says what. It runs on the host, which is what builds images."""
        sys.path.insert(0, str(self.paths.root))
        importlib.import_module("tests.bench.main").run(self.paths, self.settings)

    def suites(self, suites: Sequence[str], options: Sequence[str] = ()) -> None:
        """Build what the suites need and run them."""
        self.tree.ensure()
        self.packages.ensure_venv()
        if any(suite.startswith("tests/unit") for suite in suites):
            self.packages.ensure_node_modules(HOUSE)
            native.ensure(self.paths, self.tree)
        if any(suite.startswith(KERNEL) for suite in suites):
            self._ensure_kernel()
        if any(not suite.startswith(("tests/unit", KERNEL)) for suite in suites):
            Image(self.paths, self.settings, self.tree).ensure()
            self.tree.ensure_browser()
        if any(suite.startswith(UPDATES) for suite in suites):
            self.tree.ensure_updates()
        self._pytest([*suites, *options])

    def _ensure_kernel(self) -> None:
        """Make what tests/kernel finds below build/: kernels, modules, the native library."""
        self.tree.ensure()
        self.tree.ensure_kernel()
        self.packages.ensure_venv()
        kernel_files.ensure(self.paths, self.tree)
        keys.ensure(self.paths, self.tree)
        native.ensure(self.paths, self.tree)
        for release in self._releases():
            Modules(self.paths, self.tree).ensure_signed(release)

    def _releases(self) -> list[str]:
        return sorted(folder.name for folder in self.paths.kernels.iterdir())

    def _pytest(self, words: Sequence[str]) -> None:
        pytest: list[str | Path] = [
            self.paths.venv / "bin/python",
            "-m",
            "pytest",
            "-v",
            "--durations=15",
        ]
        with log.step(f"Running {' '.join(words)}", quiet=False):
            self._stream([*pytest, *words], self.paths.root, "pytest")

    def _stream(self, argv: Sequence[str | Path], folder: Path, name: str) -> None:
        path = f"{self.paths.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        environment = self.tree.environment({"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"})
        command.stream(self.tree.command(argv), cwd=folder, env=environment, hint=name)

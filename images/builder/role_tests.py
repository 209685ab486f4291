# SPDX-License-Identifier: Apache-2.0
"""`make test-roles`: Molecule's scenarios, one after the other, each on a machine of its own."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from builder import accel, command, log
from builder.errors import BuildError
from builder.guest import Guest
from builder.host_disk import SUITES, HostDisk
from builder.image import Image
from builder.kernel_packages import KernelPackages
from builder.packages import Packages
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree
from builder.version import of as version_of

FOLDER = "tests/molecule"
#: Begins the name of every machine of a scenario.
PREFIX = "molecule-"
#: The portrait of the booted image, which the hosts are compared with.
IMAGE_PORTRAIT = "tests/comparison"
#: Scenarios whose name is not that of their release.
RELEASES = {"hardships": "trixie", "secure_boot": "trixie"}

Runner = Callable[[Sequence[str | Path], Path, Mapping[str, str], str], None]


class RoleTests:
    """Runs scenarios; ``stream`` shows a command's output to the person."""

    def __init__(self, paths: Paths, settings: Settings, tree: Tree) -> None:
        self.paths = paths
        self.settings = settings
        self.tree = tree

    def scenarios(self) -> list[str]:
        """Names of the scenarios that are asked for, releases first."""
        found = sorted(
            path.parent.name for path in (self.paths.root / FOLDER).glob("*/molecule.yml")
        )
        chosen = [self.settings.suite] if self.settings.suite else found
        return sorted(chosen, key=lambda name: (name not in SUITES, SUITES.index(release(name))))

    def compared(self) -> bool:
        """Whether a scenario is among them whose host is compared with the image."""
        return any(name in SUITES for name in self.scenarios())

    def left(self, scenario: str) -> Path:
        """Folder of what a scenario leaves for its tests and for a reader."""
        return self.paths.build / "molecule" / scenario

    def prepare(self) -> None:
        """Make what the scenarios need: image, packages, and the disks of their hosts."""
        Image(self.paths, self.settings, self.tree).ensure()
        version = version_of(self.paths)
        KernelPackages(self.paths, self.tree).ensure_dkms(version)
        for suite in {release(name) for name in self.scenarios()}:
            if suite != "trixie":
                Packages(self.paths, self.tree).ensure_agent(version, suite)
            made = HostDisk(self.paths, self.tree, suite).ensure()
            accel.choose(self.paths, self.tree, made.kernel)

    def run(self, stream: Runner) -> None:
        """Run the scenarios, every one of them, and tell the failures together."""
        failed = []
        for name in self.scenarios():
            left = self.left(name)
            shutil.rmtree(left, ignore_errors=True)
            left.mkdir(parents=True)
            argv: list[str | Path] = [
                self.paths.venv / "bin/molecule",
                "--base-config",
                f"{FOLDER}/config.yml",
            ]
            argv += ["test", "--scenario-name", name]
            try:
                with log.step(f"Scenario {name}", quiet=False):
                    stream(argv, self.paths.root, self.environment(name), f"molecule {name}")
            except BuildError:
                failed.append(name)
            finally:
                self.end_machine(name)
        if failed:
            raise BuildError(
                f"Failed: {', '.join(failed)}.",
                hint="The lines of each stand above; consoles are in build/test-logs.",
            )

    def environment(self, scenario: str) -> dict[str, str]:
        """Return the variables that config.yml and the playbooks read."""
        version = version_of(self.paths)
        suite = release(scenario)
        agent = Packages(self.paths, self.tree).agent_package(version, suite)
        dkms = self.paths.packages / f"codex-kernel-dkms_{version.number}_all.deb"
        left = self.left(scenario)
        return {
            "CODEX_ROOT": str(self.paths.root),
            "CODEX_GUEST": str(self.paths.guests / f"{PREFIX}{scenario}"),
            "CODEX_LEFT": str(left),
            "CODEX_RELEASE": suite,
            "CODEX_AGENT_PACKAGE": str(agent),
            # Debian bookworm has no kernel for them.
            "CODEX_KERNEL_PACKAGE": str(dkms) if suite == "trixie" else "",
            "MOLECULE_GLOB": f"{FOLDER}/{scenario}/molecule.yml",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(left / "state"),
            "PYTHONPATH": f"{self.paths.root}:{self.paths.root / 'images'}",
            "ANSIBLE_HOME": str(left / "ansible"),
            # Of Debian's package: the Ansible beside pytest comes without collections.
            "ANSIBLE_COLLECTIONS_PATH": "/usr/lib/python3/dist-packages",
        }

    def end_machine(self, scenario: str) -> None:
        """End what an interrupted scenario has left running; another may run beside it."""
        guest = Guest.attach(f"{PREFIX}{scenario}", self.paths)
        if guest is not None:
            guest.stop()


def release(scenario: str) -> str:
    """Return the Debian release of a scenario's host."""
    return RELEASES.get(scenario, scenario)


def run_in_tree(tree: Tree, paths: Paths) -> Runner:
    """Return what runs a command in the tools tree, with the programs of the venv first."""

    def stream(argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str], hint: str) -> None:
        path = f"{paths.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        extra = {**env, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command.stream(tree.command(argv), cwd=cwd, env=tree.environment(extra), hint=hint)

    return stream

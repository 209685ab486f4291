# SPDX-License-Identifier: Apache-2.0
"""`make host`: a plain Debian host that a person applies the roles to."""

import os
import shlex

from builder import keys, log, preflight, run
from builder.errors import BuildError
from builder.host_disk import SUITES, HostDisk
from builder.host_guest import HostGuest, HostSpec, specification
from builder.kernel_packages import KernelPackages
from builder.packages import Packages
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree
from builder.version import of as version_of

NAME = "host"


def start(paths: Paths, settings: Settings) -> None:
    """Boot a plain host unless it runs, and say how to reach it and how to give it to Ansible."""
    suite = settings.suite or SUITES[0]
    if suite not in SUITES:
        raise BuildError(
            f"There is no plain host {suite}.", hint=f"SUITE is {' or '.join(SUITES)}.", code=2
        )
    guest = HostGuest(paths, NAME)
    running = guest.pid is not None
    spec = None if running else _spec(settings, suite)
    tree = Tree(paths)
    tree.ensure()
    if running:
        suite = str(guest.state["version"])
        log.say(f"{guest.title} is running already; it keeps what was done to it.")
    brought = packages(paths, tree, suite)
    if spec is not None:
        keys.ensure(paths, tree)
        HostDisk(paths, tree, suite).ensure()
        with log.step("Starting QEMU"):
            guest = HostGuest.start_host(spec, paths)
    with log.step("Waiting for the host's ssh"):
        guest.wait_until_up()
    hosts = guest.directory / "hosts"
    hosts.write_text(f"{inventory(guest, paths)}\n\n[all:vars]\n{brought}")
    _report(guest, paths)


def packages(paths: Paths, tree: Tree, suite: str) -> str:
    """Make what the roles bring of our own, and return the variables that name it (INI)."""
    version = version_of(paths)
    words = {"codex_agent_package": Packages(paths, tree).ensure_agent(version, suite)}
    if suite == "trixie":
        # The kernel of bookworm is older than they need.
        words["kernel_modules_package"] = KernelPackages(paths, tree).ensure_dkms(version)
    return "".join(f"{name}={shlex.quote(str(path))}\n" for name, path in words.items())


def stop(paths: Paths) -> bool:
    """End the guest of `make host`; returns whether it ran."""
    return run.stop(paths, NAME)


def _spec(settings: Settings, suite: str) -> HostSpec:
    """Describe the host; the usual port, unless it is taken and nobody asked for it."""
    port = settings.ssh_port
    if preflight.port_taken(port):
        if port != Settings.ssh_port:
            raise BuildError(
                f"Port {port} on 127.0.0.1 is already taken.",
                hint="Choose another, or none: then one that is free is taken.",
            )
        port = 0
    memory = settings.memory
    return specification(NAME, suite, ssh_port=port, cpus=settings.cpus, memory_mib=memory)


def inventory(guest: HostGuest, paths: Paths, name: str = "plain") -> str:
    """Return the line of an inventory (INI) by which Ansible reaches the guest."""
    common = f"-o UserKnownHostsFile={guest.directory / 'known_hosts'}"
    words = {
        "ansible_host": "127.0.0.1",
        "ansible_port": str(guest.state["ssh_port"]),
        "ansible_user": guest.user,
        "ansible_become": "true",
        "ansible_ssh_private_key_file": str(paths.keys / "ssh"),
        "ansible_ssh_common_args": common,
    }
    return f"{name} {' '.join(f'{key}={shlex.quote(value)}' for key, value in words.items())}"


def _report(guest: HostGuest, paths: Paths) -> None:
    owner = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    known = guest.directory / "known_hosts"
    hosts = guest.directory / "hosts"
    if owner[0] and owner[1]:
        for path in (guest.directory, guest.ssh_config, known, hosts):
            os.chown(path, int(owner[0]), int(owner[1]))
    ssh = f"ssh -i keys/ssh -p {guest.state['ssh_port']}"
    ssh += f" -o UserKnownHostsFile={known.relative_to(paths.root)} {guest.user}@127.0.0.1"
    log.plain(f"""
{guest.title} is running ({guest.state["accelerator"]}). {guest.user} logs in by a key and has sudo.

  ssh        {ssh}
  inventory  {hosts.relative_to(paths.root)}
  roles      ansible-playbook -i {hosts.relative_to(paths.root)} playbooks/host.yml
  console    {guest.serial_log.relative_to(paths.root)}
  stop       make stop      (the next `make host` begins with a new disk)
""")

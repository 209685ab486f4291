# SPDX-License-Identifier: Apache-2.0
"""`make run`, `stop`, `shell` and `logs`: the guest that a person uses."""

import os
import re
import subprocess
import time

from builder import command, log, preflight
from builder.errors import BuildError
from builder.guest import Guest, GuestSpec
from builder.paths import Paths
from builder.settings import Settings

NAME = "run"
# A first boot takes 10 s under KVM and some minutes under emulation; this is more than any takes.
BOOT_SECONDS = 1800
CURL = ("curl", "--silent", "--show-error", "--fail")
VERDICT = r"codex-verdict: (\w+)([^\r\n]*)"
MILESTONES = (
    (r"BdsDxe: starting|codex-host-key:", "the firmware starts the signed loader"),
    (r"codex-host-key:", "the verified root is up and has its ssh key"),
    (VERDICT, "the host has judged itself"),
)


def start(paths: Paths, settings: Settings, version: str) -> None:
    """Boot the image unless it runs, wait for the host's verdict, and say how to reach it."""
    guest = Guest.attach(NAME, paths)
    if guest is not None and guest.boots(version):
        log.say(f"Version {version} is running already.{_kept_ports(guest, settings)}")
    else:
        if guest is not None:
            log.say(f"Stopping version {guest.state.get('version')} to boot {version}.")
            guest.stop()
        guest = _boot(paths, settings)
    # Also for a guest that runs: the command that started it may have been stopped before this.
    _wait(guest)
    _report(guest, paths)


def _kept_ports(guest: Guest, settings: Settings) -> str:
    """Return what to say when other ports were asked for than those that a running guest has."""
    runs = (guest.state.get("https_port"), guest.state.get("ssh_port"))
    if runs == (settings.port, settings.ssh_port):
        return ""
    return f" It keeps PORT={runs[0]} and SSH_PORT={runs[1]}: `make stop` first to change them."


def _boot(paths: Paths, settings: Settings) -> Guest:
    preflight.ports(settings)
    spec = GuestSpec(
        name=NAME,
        https_port=settings.port,
        ssh_port=settings.ssh_port,
        memory_mib=settings.memory,
        cpus=settings.cpus,
        reboots=True,
    )
    with log.step("Starting QEMU"):
        return Guest.start(spec, paths)


def _wait(guest: Guest) -> None:
    """Follow the console until the host has judged itself."""
    with log.step("Waiting for the host's own verdict"):
        deadline = time.monotonic() + BOOT_SECONDS
        for pattern, meaning in MILESTONES:
            found = guest.wait_for_serial(pattern, max(1.0, deadline - time.monotonic()))
            log.say(f"  {meaning}")
    if found[1] not in {"healthy", "degraded"}:
        raise BuildError(
            f"The host judged itself {found[1]}:{found[2]}.",
            hint="`make shell` and there `codex status` say why; "
            f"the console is in {guest.serial_log}.",
        )
    log.say(f"The host's own verdict: {found[1]}{found[2]}")


def _report(guest: Guest, paths: Paths) -> None:
    token = guest.token
    owner = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    for path in (guest.directory, guest.ssh_config, guest.ca_file, guest.directory / "known_hosts"):
        if owner[0] and owner[1]:
            os.chown(path, int(owner[0]), int(owner[1]))
    ca = guest.ca_file.relative_to(paths.root)
    answer = command.output(
        guest.tree.command([*CURL, "--cacert", guest.ca_file, f"{guest.url}/health"]),
        env=guest.tree.environment(),
        clean=True,
    )
    if answer.strip() != "OK":
        raise BuildError("The page does not answer.", hint=f"The console is in {guest.serial_log}.")
    known = (guest.directory / "known_hosts").relative_to(paths.root)
    ssh = f"ssh -i keys/ssh -p {guest.state['ssh_port']} -o UserKnownHostsFile={known}"
    log.plain(f"""
{guest.title} is running ({guest.state["accelerator"]}) and its page answers over TLS.

  page    {guest.url}/#token={token}
          your browser asks once about this host's own certificate authority: import {ca}
  token   {token}
  curl    curl --cacert {ca} -H 'Authorization: Bearer {token}' {guest.url}/api/host
  ssh     {ssh} root@127.0.0.1       (or: make shell)
  console {guest.serial_log.relative_to(paths.root)}      (or: make logs)
  stop    make stop
""")


def stop(paths: Paths, name: str = NAME) -> bool:
    """End the guest of `make run`, or of another name; returns whether it ran."""
    guest = Guest.attach(name, paths)
    if guest is None:
        return False
    with log.step(f"Stopping the guest {name}"):
        guest.stop()
    return True


def shell(paths: Paths) -> int:
    """Open a shell in the guest by ssh."""
    guest = _running(paths)
    _ = guest.token
    argv = guest.tree.command(["ssh", "-t", "-F", str(guest.ssh_config), "guest"])
    return subprocess.run(argv, env=guest.tree.environment(), check=False).returncode


def logs(paths: Paths) -> None:
    """Print the console of the guest so far, without terminal codes."""
    guest = Guest(paths, NAME)
    if not guest.serial_log.exists():
        raise BuildError("There is no console log.", hint="`make run` starts a guest.")
    log.plain(
        re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1bc|\r", "", guest.serial_text()).strip()
    )
    log.plain(f"\nWhole file: {guest.serial_log}")


def _running(paths: Paths) -> Guest:
    guest = Guest.attach(NAME, paths)
    if guest is None:
        raise BuildError("No guest is running.", hint="`make run` starts one.")
    return guest

# SPDX-License-Identifier: Apache-2.0
"""Reaches the host that is judged: the booted guest, or any other by ssh."""

import atexit
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra
from builder.guest import Guest
from testinfra.host import Host

from tests.molecule import hosts as machines
from tests.support import guests, timeouts
from tests.support.service import Service

LOCAL = "local://"
_AGENT_PORT = 3030


def of_guest(guest: Guest) -> Host:
    """Root shell of the booted guest."""
    # The first use of the guest's own ssh pins the host key that its console named.
    _ = guest.token
    return _connect("ssh://guest", ssh_config=guest.ssh_config)


def of_option(spec: str, config: pytest.Config) -> Host:
    """Shell of a host of ``--hosts``: ``ssh://NAME``, or ``local://`` for this very machine.

    ``molecule://NAME`` is a machine of the scenario that runs; its user is not root.
    """
    option = config.option
    if spec == LOCAL:
        local: Host = testinfra.get_host(LOCAL, sudo=option.sudo)
        return local
    if spec.startswith(machines.SCHEME):
        name = spec.removeprefix(machines.SCHEME)
        reached = machines.ssh_config(spec, _scratch())
        return _connect(f"ssh://{name}", ssh_config=reached, sudo=True)
    if not spec.startswith("ssh://"):
        pytest.fail(
            f"--hosts={spec} is not known. Give ssh://NAME (and --ssh-config), or {LOCAL}.",
            pytrace=False,
        )
    return _connect(
        spec,
        ssh_config=option.ssh_config,
        ssh_identity_file=option.ssh_identity_file,
        sudo=option.sudo,
    )


def _connect(spec: str, **settings: object) -> Host:
    # A new connection costs a slow emulator many seconds: all commands share one. Its socket lies
    # in a folder of a short name, as the path of a socket has at most 107 bytes.
    control = _scratch() / "socket"
    arguments = f"timeout={int(timeouts.COMMAND_S)}&controlpersist=600&controlpath={control}"
    given = {name: str(value) if isinstance(value, Path) else value
             for name, value in settings.items()}  # fmt: skip
    host: Host = testinfra.get_host(f"{spec}{'&' if '?' in spec else '?'}{arguments}", **given)
    return host


def _scratch() -> Path:
    folder = tempfile.mkdtemp(prefix="codex-ssh-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def ansible_variables(host: Host) -> dict[str, str]:
    """Ansible's words for the connection that ``host`` uses."""
    backend = host.backend
    if backend.NAME == "local":
        return {"ansible_connection": "local"}
    variables = {
        "ansible_host": backend.host.name,
        "ansible_user": backend.host.user,
        "ansible_port": backend.host.port,
        "ansible_ssh_private_key_file": backend.ssh_identity_file,
        "ansible_become": "true" if backend.sudo else None,
    }
    if backend.ssh_config:
        variables["ansible_ssh_common_args"] = f"-F {Path(backend.ssh_config).resolve()}"
    return {name: str(value) for name, value in variables.items() if value}


def service_of_guest(guest: Guest) -> Service:
    """Agent of the booted guest through QEMU's port forwarding."""
    token = guest.token
    return Service(guest.url.rstrip("/"), guest.ca_file, token)


@contextlib.contextmanager
def service_of_option(spec: str, host: Host, config: pytest.Config) -> Iterator[Service]:
    """Agent of another host: its CA and token come from the host, the way to it is a tunnel."""
    with (
        tempfile.TemporaryDirectory(prefix="codex-ca-") as scratch,
        contextlib.ExitStack() as stack,
    ):
        ca_file = Path(scratch) / "ca.crt"
        ca_file.write_text(host.check_output("cat /var/lib/codex/ca.crt"), encoding="ascii")
        token = host.check_output("codex token show").strip()
        url = config.option.codex_url
        if not url and spec == LOCAL:
            url = f"https://127.0.0.1:{_AGENT_PORT}"
        url = url or stack.enter_context(_tunnel(spec, host, config))
        yield Service(url.rstrip("/"), ca_file, token)


@contextlib.contextmanager
def _tunnel(spec: str, host: Host, config: pytest.Config) -> Iterator[str]:
    """Forward a free local port to the agent's; ssh says when it cannot."""
    port = guests.free_port()
    command = ["ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-o", "ControlPath=none"]
    if host.backend.ssh_config:
        command += ["-F", str(host.backend.ssh_config)]
    if config.option.ssh_identity_file:
        command += ["-i", config.option.ssh_identity_file]
    forward = f"127.0.0.1:{port}:127.0.0.1:{_AGENT_PORT}"
    command += ["-L", forward]
    if host.backend.host.user:
        command += ["-l", host.backend.host.user]
    if host.backend.host.port:
        command += ["-p", host.backend.host.port]
    command.append(host.backend.host.name)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tunnel:
        try:
            _wait_until_open(port, tunnel, spec)
            yield f"https://127.0.0.1:{port}"
        finally:
            tunnel.terminate()
            tunnel.wait()


def _wait_until_open(port: int, tunnel: "subprocess.Popen[str]", spec: str) -> None:
    end = time.monotonic() + timeouts.COMMAND_S
    while time.monotonic() < end:
        if tunnel.poll() is not None:
            assert tunnel.stderr is not None
            pytest.fail(
                f"No tunnel to the agent of {spec}: {tunnel.stderr.read().strip()}\n"
                "Give --codex-url=https://… when the host does not forward ports.",
                pytrace=False,
            )
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        time.sleep(0.2)
    pytest.fail(f"No tunnel to the agent of {spec} within the time limit.", pytrace=False)

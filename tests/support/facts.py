# SPDX-License-Identifier: Apache-2.0
"""Facts about a host as its own shell tells them, to compare the agent with."""

import json
import shlex
from typing import Any

from testinfra.host import Host


def os_release(host: Host) -> dict[str, str]:
    """Assignments of /etc/os-release."""
    found = {}
    for line in host.check_output("cat /etc/os-release").splitlines():
        key, separator, value = line.partition("=")
        if separator:
            found[key] = "".join(shlex.split(value))
    return found


def one_json(host: Host, command: str) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(host.check_output(command))


def unit_properties(host: Host, unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit as systemd holds them now."""
    listing = host.check_output(f"systemctl show --property={','.join(names)} %s", unit)
    return dict(line.split("=", 1) for line in listing.splitlines())


def process_status(host: Host, pid: str) -> dict[str, str]:
    """Fields of /proc/PID/status."""
    lines = host.check_output("cat %s", f"/proc/{pid}/status").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

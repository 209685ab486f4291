# SPDX-License-Identifier: Apache-2.0
"""What a host gets besides, where its inventory asks for it, does its work there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support import timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

pytestmark = pytest.mark.guest

#: An address for documents (RFC 5737) and a port that nothing has.
HERE, PORT = "192.0.2.1", 8099
#: A root file system with one program and what it needs to start.
BRING = r"""
set -eu
program=$(type -P echo)
ldd "$program" | grep -o '/[^ ]*' |
    xargs tar --create --dereference "$program" | %s import - codex-test
"""


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    """The variables that the scenario gives its host."""
    scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "molecule.yml"
    found: dict[str, Any] = yaml.safe_load(scenario.read_text(encoding="utf-8"))
    variables: dict[str, Any] = found["provisioner"]["inventory"]["group_vars"]["judged"]
    return variables


@pytest.fixture(autouse=True)
def _needs_its_role(request: pytest.FixtureRequest, asked: dict[str, Any]) -> None:
    [mark] = request.node.iter_markers("role")
    if mark.args[0] not in asked["codex_more_roles"]:
        pytest.skip(f"the scenario does not ask for the role {mark.args[0]}")


@pytest.mark.role("hardening")
def test_packet_filter_is_in_force_and_stays(host: Host) -> None:
    rules = host.check_output("nft list table inet codex")
    assert "policy drop" in rules
    assert "tcp dport 22 accept" in rules
    assert host.check_output("systemctl is-enabled codex-firewall.service") == "enabled"
    assert host.run("systemctl is-active codex-firewall-undo.timer").stdout.strip() == "inactive"


@pytest.fixture
def other(host: Host) -> Iterator[str]:
    """A network beside the host, with a service of the host; yields how a command enters it.

    What comes from the host itself never meets the filter.
    """
    service = f"import socket, time; s = socket.create_server(('{HERE}', {PORT})); time.sleep(9999)"
    made = (
        "ip netns add codex-other",
        "ip link add codex-a type veth peer name codex-b netns codex-other",
        f"ip address add {HERE}/24 dev codex-a",
        "ip link set codex-a up",
        "ip -n codex-other address add 192.0.2.2/24 dev codex-b",
        "ip -n codex-other link set codex-b up",
        f'systemd-run --quiet --unit=codex-test python3 -c "{service}"',
    )
    try:
        for command in made:
            host.check_output(command)
        yield "ip netns exec codex-other"
    finally:
        host.run("systemctl stop codex-test.service")
        host.run("ip netns delete codex-other")


def reached(host: Host, port: int, enter: str = "") -> bool:
    done = host.run(f"{enter} timeout 20 bash -c '</dev/tcp/{HERE}/{port}'")
    return bool(done.rc == 0)


@pytest.mark.role("hardening")
def test_packet_filter_drops_what_nobody_asked_for(host: Host, other: str) -> None:
    end = time.monotonic() + timeouts.COMMAND_S
    while not reached(host, PORT):
        assert time.monotonic() < end, "the service of this test does not listen"
        time.sleep(1)
    assert reached(host, 22, other)
    assert not reached(host, PORT, other)
    # The control: without the filter it is reached.
    host.check_output("systemctl stop codex-firewall.service")
    try:
        assert reached(host, PORT, other)
    finally:
        host.check_output("systemctl start codex-firewall.service")
    assert not reached(host, PORT, other)


@pytest.mark.role("hardening")
def test_modules_that_are_blocked_do_not_load(host: Host) -> None:
    assert host.run("modprobe sctp").rc != 0
    assert "sctp" not in host.check_output("lsmod")


@pytest.mark.role("hardening")
def test_security_updates_install_themselves(host: Host) -> None:
    assert 'Unattended-Upgrade "1"' in host.check_output("apt-config dump APT::Periodic")


@pytest.mark.role("ebpf_tools")
def test_tools_see_a_call_of_the_kernel(host: Host) -> None:
    script = f"""
    while sleep 1; do cat /nowhere; done 2>/dev/null &
    calls=$!
    trap 'kill $calls' EXIT
    timeout {timeouts.PROGRAM_S} bpftrace -e '
    tracepoint:syscalls:sys_enter_openat /str(args->filename) == "/nowhere"/ {{
        printf("seen %s\\n", comm); exit();
    }}'
    """
    assert "seen cat" in host.check_output("bash -c %s", script)
    assert "feature" in host.run("bpftool help").stderr


@pytest.mark.role("container_runtime")
def test_container_says_hello(host: Host, asked: dict[str, Any]) -> None:
    engine = asked["container_runtime_engine"]
    host.check_output("bash -c %s", BRING.replace("%s", engine))
    try:
        run = f"{engine} run --rm --network none codex-test"
        program = host.check_output("bash -c 'type -P echo'")
        assert host.check_output(f"{run} {program} hello") == "hello"
    finally:
        host.run(f"{engine} image rm codex-test")

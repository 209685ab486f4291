# SPDX-License-Identifier: Apache-2.0
"""What a host gets besides, where its inventory asks for it, does its work there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import timeouts

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = pytest.mark.guest

#: A root file system with one program and what it needs to start.
BRING = r"""
set -eu
program=$(command -v echo)
ldd "$program" | grep -o '/[^ ]*' |
    xargs tar --create --dereference "$program" | %s import - codex-test
"""


def asked_for(host: Host, role: str) -> None:
    """Skip where the inventory of the scenario does not ask for a role."""
    if role not in host.ansible.get_variables().get("codex_more_roles", []):
        pytest.skip(f"{role} is not asked for here")


def test_packet_filter_is_in_force_and_stays(host: Host) -> None:
    asked_for(host, "hardening")
    rules = host.check_output("nft list table inet codex")
    assert "policy drop" in rules
    assert "tcp dport 22 accept" in rules
    assert host.check_output("systemctl is-enabled codex-firewall.service") == "enabled"
    assert host.run("systemctl is-active codex-firewall-undo.timer").stdout.strip() == "inactive"


def test_packet_filter_drops_what_nobody_asked_for(host: Host) -> None:
    """By a network of its own: what comes from the host itself never meets the filter."""
    asked_for(host, "hardening")
    script = """
    set -eu
    ip netns add codex-other
    trap 'kill $server; ip netns delete codex-other' EXIT
    ip link add codex-a type veth peer name codex-b netns codex-other
    ip address add 192.0.2.1/24 dev codex-a
    ip link set codex-a up
    ip -n codex-other address add 192.0.2.2/24 dev codex-b
    ip -n codex-other link set codex-b up
    python3 -m http.server --bind 192.0.2.1 8099 >/dev/null 2>&1 &
    server=$!
    for port in 22 8099; do
        if ip netns exec codex-other timeout 20 bash -c "</dev/tcp/192.0.2.1/$port"; then
            echo "$port open"
        else
            echo "$port shut"
        fi
    done
    """
    assert host.check_output("bash -c %s", script).split("\n") == ["22 open", "8099 shut"]


def test_modules_that_are_blocked_do_not_load(host: Host) -> None:
    asked_for(host, "hardening")
    assert host.run("modprobe sctp").rc != 0
    assert "sctp" not in host.check_output("lsmod")


def test_security_updates_install_themselves(host: Host) -> None:
    asked_for(host, "hardening")
    assert 'Unattended-Upgrade "1"' in host.check_output("apt-config dump APT::Periodic")


def test_tools_see_a_call_of_the_kernel(host: Host) -> None:
    asked_for(host, "ebpf_tools")
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


def test_container_says_hello(host: Host) -> None:
    asked_for(host, "container_runtime")
    engine = host.ansible.get_variables().get("container_runtime_engine", "podman")
    host.check_output("bash -c %s", BRING.replace("%s", engine))
    try:
        run = f"{engine} run --rm --network none codex-test"
        program = host.check_output("command -v echo")
        assert host.check_output(f"{run} {program} hello") == "hello"
    finally:
        host.run(f"{engine} image rm codex-test")

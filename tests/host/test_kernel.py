# SPDX-License-Identifier: Apache-2.0
"""Kernel settings and drivers as they are in effect."""

from typing import Any

import pytest
from testinfra.host import Host

from tests.support import facts

pytestmark = pytest.mark.guest

SYSCTL = {
    "kernel.kptr_restrict": 1,
    "kernel.dmesg_restrict": 1,
    "kernel.unprivileged_bpf_disabled": 1,
    "kernel.yama.ptrace_scope": 1,
    "kernel.panic": 10,
    "fs.suid_dumpable": 0,
    "fs.protected_hardlinks": 1,
    "fs.protected_symlinks": 1,
    "net.ipv4.conf.all.rp_filter": 2,
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.all.accept_source_route": 0,
    "net.ipv4.ip_forward": 0,
    "net.ipv6.conf.all.accept_redirects": 0,
    "vm.max_map_count": 1048576,
}
#: TAINT_OOT_MODULE, include/linux/panic.h
OUT_OF_TREE = 1 << 12
BLOCKED = ["nouveau", "nova_core", "nova_drm", "nova"]


@pytest.fixture(scope="module")
def effective(host: Host) -> dict[str, str]:
    """Values of all settings of interest, asked at once."""
    lines = host.check_output("sysctl " + " ".join(SYSCTL)).splitlines()
    return dict(line.split(" = ", 1) for line in lines)


@pytest.mark.parametrize("name", SYSCTL)
def test_setting(host: Host, effective: dict[str, str], name: str) -> None:
    if name == "net.ipv4.ip_forward" and host.file("/run/docker.sock").exists:
        pytest.skip("docker forwards what its containers say")
    assert int(effective[name]) == SYSCTL[name]


def test_core_files_are_not_written(host: Host) -> None:
    assert host.check_output("sysctl -n kernel.core_pattern") == "|/bin/false"


@pytest.mark.parametrize("module", BLOCKED)
def test_driver_cannot_take_a_gpu(host: Host, module: str) -> None:
    plan = host.run("modprobe --show-depends --quiet %s", module)
    # What it needs is planned before it.
    assert plan.rc != 0 or plan.stdout.strip().splitlines()[-1] == "install /bin/false"
    assert module not in host.check_output("cat /proc/modules")


def test_the_start_of_an_image_waits_for_no_wireless(host: Host, expected: dict[str, Any]) -> None:
    loaded = host.check_output("cut -d ' ' -f 1 /proc/modules").split()
    if expected["image_identity"]:
        assert "cfg80211" not in loaded


def test_virtualisation_is_there_after_the_verdict(host: Host, expected: dict[str, Any]) -> None:
    """On an image it is loaded late, so that the start does not wait for it; but it is loaded."""
    if not expected["image_identity"]:
        pytest.skip("another host loads it as its distribution does")
    flags = set(host.check_output("grep -m 1 ^flags /proc/cpuinfo").split())
    unit = facts.unit_properties(
        host, "codex-kvm.service", "Result", "ExecMainStatus", "ExecMainStartTimestampMonotonic"
    )
    assert (unit["Result"], unit["ExecMainStatus"]) == ("success", "0")
    judged = facts.unit_properties(host, "codex-health.service", "ExecMainExitTimestampMonotonic")
    assert int(unit["ExecMainStartTimestampMonotonic"]) >= int(
        judged["ExecMainExitTimestampMonotonic"]
    )
    assert host.file("/dev/kvm").exists == bool(flags & {"svm", "vmx"})


def test_lockdown(host: Host, expected: dict[str, Any]) -> None:
    if expected["lockdown"] != "any":
        state = host.check_output("cat /sys/kernel/security/lockdown")
        assert f"[{expected['lockdown']}]" in state


def test_kernel_is_tainted_by_nothing_but_our_modules(host: Host, expected: dict[str, Any]) -> None:
    """The kernel marks itself when it loads a module that is not from its own source."""
    mask = int(host.check_output("cat /proc/sys/kernel/tainted"))
    if expected["modules_signed_here"]:
        mask &= ~(1 << 13)  # TAINT_UNSIGNED_MODULE
    # Modules that DKMS compiled on a host; on an image these are ours, and it has no DKMS.
    foreign = host.run("grep --files-with-matches O /sys/module/*/taint").stdout.split()
    names = {path.split("/")[3] for path in foreign}
    built = host.run("find /var/lib/dkms/*/*/*/*/module -name '*.ko*' -printf '%f\\n'").stdout
    known = {name.partition(".ko")[0].replace("-", "_") for name in built.split()}
    assert names <= known | {"ai_mem", "ai_gpu", "ai_scheduler"}
    assert mask == (OUT_OF_TREE if names else 0)


def test_clock_and_language(host: Host) -> None:
    assert host.check_output("date +%Z") == "UTC"
    assert host.check_output("readlink /etc/localtime").endswith("zoneinfo/UTC")
    assert host.check_output("systemctl show-environment | grep ^LANG=") == "LANG=C.UTF-8"

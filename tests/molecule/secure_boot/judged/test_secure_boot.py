# SPDX-License-Identifier: Apache-2.0
"""Where the firmware starts only what its vendor signed, modules of our own need a key as well."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.molecule import left
from tests.molecule.apply import ROOT, apply

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = pytest.mark.guest

#: No module is to be compiled.
WITHOUT = {"kernel_modules_package": "", "gpu_detect_stand_in": False}


def test_firmware_and_kernel_enforce_it(host: Host) -> None:
    """The control: on any other machine all that follows proves nothing."""
    assert "SecureBoot enabled" in host.check_output("mokutil --sb-state")
    assert "[integrity]" in host.check_output("cat /sys/kernel/security/lockdown")


def test_modules_without_a_key_are_refused_before_a_change(host: Host) -> None:
    outcome = apply()
    assert outcome.status != 0
    assert "Secure Boot" in outcome.sentence
    assert outcome.changed == 0
    assert host.run("dpkg-query --show dkms").rc != 0


def test_host_without_modules_of_ours_is_a_good_host(host: Host) -> None:
    outcome = apply(variables=WITHOUT)
    assert (outcome.status, outcome.sentence) == (0, "")
    status = json.loads(host.run("codex status --json").stdout)
    assert (status["verdict"]["state"], status["secure_boot"]) == ("healthy", True)


def test_second_run_changes_nothing(host: Host) -> None:
    outcome = apply(variables=WITHOUT)
    assert (outcome.status, outcome.changed) == (0, 0)


def test_modules_that_a_known_key_signed_are_loaded(host: Host) -> None:
    """The firmware of this machine knows the certificate; see builder.host_guest."""
    certificate = left.folder() / "modules.der"
    argv = ["openssl", "x509", "-in", str(ROOT / "keys/modules.crt"), "-outform", "DER"]
    subprocess.run([*argv, "-out", str(certificate)], check=True)
    outcome = apply(
        variables={
            "gpu_detect_stand_in": False,
            "kernel_modules_signing_key": str(ROOT / "keys/modules.key"),
            "kernel_modules_signing_certificate": str(certificate),
        }
    )
    assert (outcome.status, outcome.sentence) == (0, "")
    assert host.check_output("head -n 1 /proc/ai_memory")
    assert "[integrity]" in host.check_output("cat /sys/kernel/security/lockdown")


def test_module_that_nobody_signed_is_not(host: Host) -> None:
    """The control: the kernel does look."""
    found = host.check_output("modinfo --filename ai_mem")
    unpack = "xz --decompress --stdout" if found.endswith(".xz") else "cat"
    host.check_output(
        f"{unpack} {found} >/var/tmp/ai_mem.ko && strip --strip-debug /var/tmp/ai_mem.ko"
    )
    host.check_output("modprobe --remove ai_gpu ai_mem")
    try:
        done = host.run("insmod /var/tmp/ai_mem.ko")
    finally:
        host.run("rm /var/tmp/ai_mem.ko; modprobe ai_mem")
    assert done.rc != 0
    assert "ai_memory" in host.check_output("ls /proc")

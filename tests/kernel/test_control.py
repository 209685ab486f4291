# SPDX-License-Identifier: Apache-2.0
"""Controls: what the harness must not take for success, on a real guest."""

from pathlib import Path

import pytest

from tests.kernel.harness import dmesg, guest, kernels, programs, shapes
from tests.support import timeouts

pytestmark = pytest.mark.kernel

#: Runs nothing; the machine is the smallest.
_NOTHING = shapes.Shape(name="control", programs=())


def _boot(config: pytest.Config, log: Path, init: str, limit_s: float = 60) -> guest.Outcome:
    """Boot the first kernel with ``init`` before the report's end."""
    build = config.option.codex_kernel_build
    kernel = kernels.packaged(build)[0]
    binary = programs.compile_all(build / "kernel-tests")
    busybox = Path("/bin/busybox")
    boot = guest.Boot(kernel.image, kernel.modules, binary, busybox, _NOTHING, {}, limit_s, init)
    return guest.run(boot, log)


def test_a_guest_that_does_nothing_wrong_passes(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    outcome = _boot(pytestconfig, tmp_path / "log", "true")
    assert outcome.report.ended
    assert outcome.status == 0
    assert dmesg.trouble(outcome.console) == []
    assert outcome.healthy


def test_a_guest_that_panics_does_not_pass(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    outcome = _boot(pytestconfig, tmp_path / "log", "echo c > /proc/sysrq-trigger")
    assert not outcome.report.ended
    assert dmesg.trouble(outcome.console) != []


def test_a_warning_of_the_kernel_does_not_pass(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    line = "<4>WARNING: CPU: 0 PID: 1 at nowhere"
    outcome = _boot(pytestconfig, tmp_path / "log", f"echo '{line}' > /dev/kmsg")
    assert outcome.report.ended
    assert dmesg.trouble(outcome.console) != []


def test_a_guest_that_hangs_tells_where_its_processors_are(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    outcome = _boot(pytestconfig, log, "sleep 1000", 15 * timeouts.SCALE)
    assert not outcome.report.ended
    assert not outcome.healthy
    assert not outcome.emulator_failed
    processors = log.read_text().split("---- QEMU")[1]
    assert processors.count("HLT=") == 2
    assert processors.count("ISR") >= 2

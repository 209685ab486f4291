# SPDX-License-Identifier: Apache-2.0
"""What is QEMU's fault, what is the guest's, and what nothing is wrong with."""

import signal

import pytest

from tests.kernel.harness import guest, report

NONCE = "0123456789abcdef"
STARTED = "[    2.405578] Run /init as init process\n"
HEALTHY = f"ok a.loads\nend {NONCE}\n"


def _outcome(
    said: str = HEALTHY, console: str = STARTED, status: int | None = 0, processors: str = ""
) -> guest.Outcome:
    return guest.Outcome(report.parse(said, NONCE), console, status, "", 1.0, processors)


def _processors(*states: "tuple[int, str]") -> str:
    """What QEMU's monitor tells of each: whether it is halted, and the interrupts in service."""
    registers = [
        f"\nCPU#{n}\r\nRAX=0 RBX=0\r\nRIP=ff RFL=206 [-----P-] CPL=0 II=0 SMM=0 HLT={halted}\r\n"
        for n, (halted, _) in enumerate(states)
    ]
    chips = [
        f"dumping local APIC state for CPU {n} \n\nESR\t 0x0\nISR\t {served}\nIRR\t 236 \n"
        for n, (_, served) in enumerate(states)
    ]
    return "".join((*registers, *chips)).replace("\r\n", "\n")


def test_a_guest_that_reached_its_end_is_healthy() -> None:
    assert _outcome().healthy
    assert not _outcome().emulator_failed


@pytest.mark.parametrize("status", [-signal.SIGABRT, -signal.SIGSEGV])
def test_a_crash_of_qemu_is_not_the_guests(status: int) -> None:
    outcome = _outcome("ok a.loads\n", status=status)
    assert outcome.emulator_failed
    assert not outcome.healthy


def test_a_stop_before_user_space_is_not_the_guests() -> None:
    console = "[    1.189210] smp: Bringing up secondary CPUs ...\n"
    assert _outcome("", console, -signal.SIGKILL).emulator_failed


def test_a_processor_that_is_halted_in_an_interrupt_is_not_the_guests() -> None:
    """Seen with QEMU's emulation of several processors: the end of the interrupt was lost."""
    found = _processors((1, "(none)"), (1, "251 "))
    assert _outcome("ok a.loads\n", status=-signal.SIGKILL, processors=found).emulator_failed


@pytest.mark.parametrize(
    "found",
    [
        "",
        "QEMU does not tell where its processors are: timed out",
        _processors((1, "(none)"), (1, "(none)")),
        _processors((0, "251"), (1, "(none)")),
        _processors((1, "(none)"), (0, "236 251")),
    ],
)
def test_a_guest_that_waits_or_runs_for_ever_is_to_blame(found: str) -> None:
    outcome = _outcome("ok a.loads\n", status=-signal.SIGKILL, processors=found)
    assert not outcome.emulator_failed


@pytest.mark.parametrize(
    ("said", "console", "status"),
    [
        pytest.param("ok a.loads\n", STARTED, -signal.SIGKILL, id="hung in user space"),
        pytest.param("ok a.loads\n", STARTED, 0, id="ended without the nonce"),
        pytest.param("", "Kernel panic - not syncing\n", 0, id="panic before user space"),
        pytest.param(f"not ok a.x\nend {NONCE}\n", STARTED, 0, id="a failed case"),
        pytest.param(f"words\nend {NONCE}\n", STARTED, 0, id="stray words"),
        pytest.param(HEALTHY, STARTED + "BUG: bad\n", 0, id="trouble in the log"),
    ],
)
def test_the_rest_is_the_guests(said: str, console: str, status: int) -> None:
    outcome = _outcome(said, console, status)
    assert not outcome.healthy
    assert not outcome.emulator_failed

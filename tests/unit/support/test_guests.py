# SPDX-License-Identifier: Apache-2.0
"""A guest whose emulator stopped is started again, once; any other failure stays one."""

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from builder.errors import BuildError
from builder.guest import GuestSpec

from tests.support import guests, serial_logs


class _Guest:
    """Stands in for QEMU: shows a kernel only at the start of number ``alive_from``."""

    starts: ClassVar[int] = 0
    alive_from: ClassVar[int] = 1
    accelerator: ClassVar[str] = "tcg"
    stopped: ClassVar[int] = 0

    def __init__(self) -> None:
        type(self).starts += 1
        self.number = self.starts
        self.serial_log = Path("/nonexistent")
        self.pid: int | None = 1
        self.state = {"accelerator": self.accelerator}

    @classmethod
    def start(cls, spec: object) -> "_Guest":
        return cls()

    def wait_for_serial(self, pattern: str, timeout_s: float) -> re.Match[str] | None:
        if self.number < self.alive_from:
            raise BuildError("nothing was shown")
        return re.search(pattern, "[    1.000000] x")

    def stop(self) -> None:
        type(self).stopped += 1


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "Guest", _Guest)
    monkeypatch.setattr(serial_logs, "_notes", [])
    monkeypatch.setattr(serial_logs, "_logs", {})
    for name, value in (("starts", 0), ("stopped", 0), ("alive_from", 1), ("accelerator", "tcg")):
        monkeypatch.setattr(_Guest, name, value)


def _spec() -> Any:
    return GuestSpec(name="trial")


def test_guest_that_lives_is_used() -> None:
    with guests.running(_spec()) as guest:
        assert guest.pid == 1
    assert (_Guest.starts, _Guest.stopped, serial_logs.notes()) == (1, 1, [])


def test_emulator_that_stopped_is_started_again_and_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Guest, "alive_from", 2)
    with guests.running(_spec()):
        pass
    assert (_Guest.starts, _Guest.stopped) == (2, 2)
    assert len(serial_logs.notes()) == 1


def test_kernel_that_never_starts_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Guest, "alive_from", 3)
    with pytest.raises(BuildError), guests.running(_spec()):
        pytest.fail("it was used")
    assert (_Guest.starts, _Guest.stopped) == (2, 2)


def test_real_processor_gets_no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Guest, "alive_from", 2)
    monkeypatch.setattr(_Guest, "accelerator", "kvm")
    with pytest.raises(BuildError), guests.running(_spec()):
        pytest.fail("it was used")
    assert _Guest.starts == 1


def test_failure_of_a_test_is_no_reason_to_start_again() -> None:
    with pytest.raises(AssertionError), guests.running(_spec()):
        raise AssertionError
    assert (_Guest.starts, _Guest.stopped) == (1, 1)

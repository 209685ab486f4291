# SPDX-License-Identifier: Apache-2.0
"""Every case of every C program, on every kernel and machine; and that each guest is healthy."""

from collections.abc import Callable

import pytest

from tests.kernel.harness import dmesg
from tests.kernel.harness.guest import Outcome
from tests.kernel.harness.kernels import Kernel
from tests.kernel.harness.shapes import Shape

pytestmark = pytest.mark.kernel

Boot = tuple[Kernel, Shape]


def test_case(boot_of: Boot, case: str, booted: Callable[[Boot], Outcome]) -> None:
    report = booted(boot_of).report
    failure = report.failure(case)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    if (reason := report.results[case].skipped) is not None:
        pytest.skip(reason)


def test_the_guest_reached_its_end(boot_of: Boot, booted: Callable[[Boot], Outcome]) -> None:
    outcome = booted(boot_of)
    assert outcome.report.ended, "the guest did not tell the nonce: it hung, panicked or restarted"
    assert outcome.status == 0, outcome.qemu_words
    assert outcome.report.stray == ()


def test_the_kernel_log_is_clean(boot_of: Boot, booted: Callable[[Boot], Outcome]) -> None:
    assert dmesg.trouble(booted(boot_of).console) == []

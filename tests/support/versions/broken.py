# SPDX-License-Identifier: Apache-2.0
"""Broken versions, one constructor a kind, and good ones beside them."""

from collections.abc import Sequence

from tests.support.versions import edits
from tests.support.versions.kind import Broken
from tests.support.versions.make import Change
from tests.support.versions.not_starting import (
    crash_pid1,
    hang_boot,
    hang_hard,
    hang_initrd,
    panic,
    root_not_found,
)  # fmt: skip
from tests.support.versions.refused import (
    flipped_root,
    flipped_uki,
    wrong_uki_signature,
    wrong_verity_signature,
)  # fmt: skip
from tests.support.versions.signing import Pair
from tests.support.versions.unfit import (
    failing_agent,
    failing_agent_crash,
    failing_gpu_probe,
    failing_module,
    failing_probe,
    full_disk,
    lost_gpu_driver,
    no_verdict,
)  # fmt: skip

__all__ = [
    "Broken", "crash_pid1", "every", "failing_agent", "failing_agent_crash", "failing_gpu_probe",
    "failing_module", "failing_probe", "flipped_root", "flipped_uki", "full_disk", "good",
    "hang_boot", "hang_hard", "hang_initrd", "lost_gpu_driver", "no_verdict", "panic",
    "root_not_found", "upgraded", "wrong_uki_signature", "wrong_verity_signature",
]  # fmt: skip


def good(text: str, **packages: str) -> Change:
    """Return the change of a good version: one small file, and packages as the manifest tells."""
    return Change(edits=[edits.write("/usr/share/codex-test/note", text)], packages=packages)


def upgraded(package: str, number: str) -> Change:
    """Return the change of a good version in which one package is a newer one."""
    return Change(edits=[edits.package(package, f"codex-test {number}\n")],
                  packages={package: number})  # fmt: skip


def every(foreign: Pair) -> Sequence[Broken]:
    """Return one of each kind, for the tests that go through all of them."""
    return [
        panic(), root_not_found(), hang_initrd(), hang_boot(), hang_hard(), crash_pid1(),
        failing_module("corrupt"), failing_module("unsigned"),
        failing_module("foreign", foreign=foreign), failing_agent(), failing_agent_crash(),
        failing_gpu_probe(), failing_gpu_probe(hang=True), lost_gpu_driver(), failing_probe(),
        failing_probe(hang=True), full_disk(), full_disk(stays=True),
        wrong_verity_signature(foreign), wrong_uki_signature(foreign), wrong_uki_signature(None),
        flipped_uki(), flipped_root(), no_verdict(),
    ]  # fmt: skip

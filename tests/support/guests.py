# SPDX-License-Identifier: Apache-2.0
"""Boots guests for tests and keeps what they said."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from builder.errors import BuildError
from builder.guest import Guest, GuestSpec
from builder.paths import Paths

from tests.support import artefacts, milestones, serial_logs, timeouts


def latest_artefacts() -> artefacts.Artefacts:
    """Artefacts of the latest image; without one, tests that need them fail with a sentence."""
    paths = Paths.find()
    try:
        return artefacts.latest(paths.image_dir, paths.keys)
    except artefacts.NoImageError as error:
        pytest.fail(str(error), pytrace=False)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def specification(
    name: str,
    firmware: Literal["ovmf", "direct"],
    *,
    disk: Path | None = None,
    exit_nonce: str | None = None,
) -> GuestSpec:
    """Describe a guest of the usual size on free ports."""
    latest_artefacts()
    return GuestSpec(
        name=name,
        firmware=firmware,
        https_port=free_port(),
        ssh_port=free_port(),
        disk=disk,
        exit_nonce=exit_nonce,
    )


@contextlib.contextmanager
def started(spec: GuestSpec) -> Iterator[Guest]:
    """Run a guest for the length of a ``with`` block and keep its serial log."""
    guest = Guest.start(spec)
    serial_logs.register(spec.name, guest.serial_log)
    try:
        yield guest
    finally:
        serial_logs.keep(spec.name, Paths.find().build / "test-logs")
        guest.stop()


@contextlib.contextmanager
def running(spec: GuestSpec) -> Iterator[Guest]:
    """Run a guest like ``started``, from where its kernel has shown a first sign of life.

    The emulator without KVM now and then stops for good in the kernel's first second, when two
    processors come up. That says nothing about the image: such a guest is started again, once, and
    the report says so. A kernel that never starts fails all the same.
    """
    for last in (False, True):
        with started(spec) as guest:
            try:
                guest.wait_for_serial(milestones.KERNEL_RUNS, timeouts.FIRST_SIGN_S)
            except BuildError:
                if last or guest.pid is None or guest.state.get("accelerator") == "kvm":
                    raise
                serial_logs.note(f"guest {spec.name}: the emulator stopped before the first line"
                                 " of the kernel; it was started again")  # fmt: skip
                continue
            yield guest
            return


@contextlib.contextmanager
def attached(name: str) -> Iterator[Guest]:
    """Use a guest that somebody else started, and leave it running."""
    guest = Guest.attach(name)
    if guest is None:
        pytest.fail(
            f"No guest {name} is running. `make run` starts the guest `run`.", pytrace=False
        )
    serial_logs.register(name, guest.serial_log)
    yield guest


@contextlib.contextmanager
def booted() -> Iterator[Guest]:
    """Boot the latest image under OVMF with Secure Boot and wait until it says it is healthy."""
    with running(specification("test", "ovmf")) as guest:
        verdict = guest.wait_for_serial(milestones.VERDICT, timeouts.BOOT_S)
        if verdict["state"] != "healthy":
            pytest.fail(f"The guest's own verdict: {verdict[0]}", pytrace=False)
        yield guest

# SPDX-License-Identifier: Apache-2.0
"""Versions that do not come to their end of starting: a panic, a hang, a crash of PID 1."""

import stat

from tests.support import cpio
from tests.support.cpio import Member
from tests.support.versions import edits
from tests.support.versions.kind import SILENT, Broken
from tests.support.versions.make import Change


def file_member(path: str, text: str, mode: int = 0o644) -> Member:
    return Member(path, stat.S_IFREG | mode, text.encode())


def _link(path: str, target: str) -> Member:
    return Member(path, stat.S_IFLNK | 0o777, target.encode())


def _initrd(*members: Member) -> Change:
    return Change(initrd_extra=[cpio.archive(members)])


def panic() -> Broken:
    """The kernel panics: the first program of the initrd ends."""
    init = file_member(
        "init", "#!/bin/sh\necho codex-test: PID 1 ends >/dev/console\nexit 1\n", 0o755
    )
    what = "The first program of the initrd ends, at which the kernel panics."
    return Broken("panic", what, "resets", SILENT, _initrd(init))


def root_not_found() -> Broken:
    """The initrd cannot open the root: it asks for a partition that is nowhere."""
    text = "#!/bin/sh\necho codex-test: there is no root >&2\nexit 1\n"
    what = "The initrd fails to open the root, reports, and restarts the machine."
    opener = file_member("usr/lib/codex/open-root", text, 0o755)
    return Broken("root-not-found", what, "resets", SILENT, _initrd(opener))


_NEVER = """\
[Unit]
Description=A test that never ends
DefaultDependencies=no
{order}
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo codex-test: {name} >/dev/console; exec sleep infinity'
TimeoutStartSec=infinity
"""


def hang_initrd() -> Broken:
    """The initrd waits for a unit that never ends, before the root is mounted."""
    name = "codex-test-hang.service"
    text = _NEVER.format(name="hang-initrd", order="Before=initrd-root-device.target sysroot.mount")
    folder = "etc/systemd/system"
    change = _initrd(
        file_member(f"{folder}/{name}", text),
        _link(f"{folder}/initrd-root-device.target.requires/{name}", f"../{name}"),
    )
    what = "A unit of the initrd never ends, and the root waits for it."
    return Broken("hang-initrd", what, "hangs", SILENT, change)


def hang_boot() -> Broken:
    """The host waits for a unit that never ends, before multi-user.target."""
    order = "After=sysinit.target\nBefore=multi-user.target"
    text = _NEVER.format(name="hang-boot", order=order)
    change = Change(edits=[edits.unit("codex-test-hang.service", text)])
    what = "A unit of the root never ends, and multi-user.target waits for it."
    return Broken("hang-boot", what, "hangs", SILENT, change)


# PID 1 takes no SIGSTOP. The freezer of its own control group holds it all the same, between two of
# its instructions, as a defect in it or in the kernel would: nothing is started, stopped or reaped
# any more, and nobody feeds a watchdog.
_FREEZE = """\
[Unit]
Description=A test that stops PID 1
After=sysinit.target
Before=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo codex-test: hang-hard >/dev/console'
ExecStart=/bin/sh -c 'echo 1 >/sys/fs/cgroup/init.scope/cgroup.freeze; exec sleep infinity'
TimeoutStartSec=infinity
"""


def hang_hard() -> Broken:
    """PID 1 itself stands still."""
    change = Change(edits=[edits.unit("codex-test-freeze.service", _FREEZE)])
    what = "PID 1 stands still: no time limit of systemd can end this boot."
    return Broken("hang-hard", what, "hangs", SILENT, change)


# A signal of this kind is a crash of PID 1. That restarts the machine, by a word of the command
# line, which is sealed into the UKI. To stand still instead, systemd's default, would take another
# command line, and no watchdog would end it: PID 1 closes the watchdog first, and the kernel still
# has the leave to stop it then that the initrd's PID 1 gave when it handed over to the root's.
_CRASH = """\
[Unit]
Description=A test that crashes PID 1
After=sysinit.target
Before=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo codex-test: crash-pid1 >/dev/console; kill -SEGV 1; exec sleep infinity'
TimeoutStartSec=infinity
"""


def crash_pid1() -> Broken:
    """PID 1 crashes."""
    change = Change(edits=[edits.unit("codex-test-crash.service", _CRASH)])
    what = "PID 1 crashes during the start, and restarts the machine."
    return Broken("crash-pid1", what, "resets", SILENT, change)

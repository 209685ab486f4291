# SPDX-License-Identifier: Apache-2.0
"""Runs one guest to its end: console in a file, report on standard output, QMP on a socket."""

from __future__ import annotations

import contextlib
import re
import secrets
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kernel.harness import dmesg, initramfs, report
from tests.kernel.harness.qmp import Qmp, QmpError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from tests.kernel.harness.shapes import Shape

#: Every guest gets the same; a kernel option may still be added by its shape.
_APPEND = (
    "console=ttyS0",
    "loglevel=7",
    "panic=-1",
    "oops=panic",
    "printk.devkmsg=on",
    "log_buf_len=4M",
    # On a busy emulator the check of the timer interrupt, which lasts ten ticks, panics.
    "no_timer_check",
)
_PROCESSORS = 2
#: The kernel's last line before it starts the first process.
_USER_SPACE = "Run /init as init process"
_INIT = Path(__file__).with_name("init.sh")


@dataclass(frozen=True)
class Outcome:
    """What is left of a guest: its report, its console, QEMU's status (None: it was ended).

    ``processors`` is where they were when it was ended: registers and local APICs, as QEMU's
    monitor tells them.
    """

    report: report.Report
    console: str
    status: int | None
    qemu_words: str
    wall_s: float
    processors: str = ""

    @property
    def emulator_failed(self) -> bool:
        """Whether QEMU crashed, lost an interrupt, or stopped before the modules could be loaded.

        Without KVM it now and then does the latter when the kernel brings up two processors.
        """
        crashed = self.status in (-signal.SIGABRT, -signal.SIGSEGV)
        stopped = _USER_SPACE not in self.console and not dmesg.trouble(self.console)
        return crashed or stopped or self.lost_interrupt

    @property
    def lost_interrupt(self) -> bool:
        """Whether a processor is halted in the middle of an interrupt, which none can be.

        The interrupt's end never reached its APIC, so no timer wakes this processor again.
        """
        lines = re.MULTILINE | re.DOTALL
        halted = dict(re.findall(r"^CPU#(\d+)$.*?HLT=(\d)", self.processors, lines))
        chip = r"local APIC state for CPU (\d+)\b.*?^ISR\s+(\S+)"
        served = dict(re.findall(chip, self.processors, lines))
        return any(
            halt == "1" and served.get(number, "(none)") != "(none)"
            for number, halt in halted.items()
        )

    @property
    def healthy(self) -> bool:
        """Whether nothing of it is worth showing."""
        failed = [name for name in self.report.results if self.report.failure(name) is not None]
        clean = not failed and not self.report.stray and not dmesg.trouble(self.console)
        return clean and self.report.ended and self.status == 0


@dataclass(frozen=True)
class Boot:
    """What is booted: kernel image, modules (all .ko of a folder), test binary, busybox."""

    kernel: Path
    modules: Path
    programs: Path
    busybox: Path
    shape: Shape
    options: Mapping[str, int]
    limit_s: float
    #: Shell command before the report's end, for tests of the harness.
    last_words: str = "true"


def run(boot: Boot, log: Path) -> Outcome:
    """Boot, serve the guest's requests, wait for its end; never raises for what the guest does."""
    nonce = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="kguest-") as name:
        folder = Path(name)
        (folder / "initrd").write_bytes(_initramfs(boot, nonce))
        console = folder / "console.log"
        console.touch()
        started = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        with _qemu(boot, folder) as process, log.open("w") as live:
            said, processors = _serve(process, folder / "qmp", started + boot.limit_s, live)
            status = process.poll()
        text = console.read_text(errors="replace")
        words = (folder / "qemu.log").read_text(errors="replace")
    ending = f"---- QEMU (status {status})\n{words}{processors}"
    log.write_text(f"{said}\n---- console\n{text}\n{ending}")
    found = report.parse(said, nonce)
    return Outcome(found, text, status, words, time.monotonic() - started, processors)


def _initramfs(boot: Boot, nonce: str) -> bytes:
    files = initramfs.read(boot.modules, "*.ko", "m")
    files["init"] = initramfs.File(_INIT.read_bytes(), 0o755)
    files["bin/busybox"] = initramfs.File(boot.busybox.read_bytes(), 0o755)
    files["programs"] = initramfs.File(boot.programs.read_bytes(), 0o755)
    files["last-words"] = initramfs.File(f"{boot.last_words}\n".encode())
    files["nonce"] = initramfs.File(f"{nonce}\n".encode(), 0o600)
    files["run-list"] = initramfs.File(f"{' '.join(boot.shape.programs)}\n".encode())
    return initramfs.pack(files)


@contextlib.contextmanager
def _qemu(boot: Boot, folder: Path) -> Iterator[subprocess.Popen[str]]:
    shape = boot.shape
    options = {**shape.options, **boot.options}
    words = [f"codex.{name}={value}" for name, value in options.items()]
    argv = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none"]
    argv += ["-machine", shape.machine, "-cpu", "max", "-accel", f"tcg,thread={shape.threads}"]
    argv += ["-smp", f"{_PROCESSORS},sockets={_PROCESSORS}", "-m", str(shape.memory_mib)]
    argv += ["-kernel", str(boot.kernel), "-initrd", str(folder / "initrd")]
    argv += ["-append", " ".join((*_APPEND, *shape.append, *words))]
    argv += ["-serial", f"file:{folder / 'console.log'}"]
    argv += ["-chardev", "stdio,id=report,signal=off", "-serial", "chardev:report"]
    argv += ["-qmp", f"unix:{folder / 'qmp'},server=on,wait=off", *shape.arguments()]
    with (folder / "qemu.log").open("w") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _serve(
    process: subprocess.Popen[str], socket: Path, deadline: float, live: TextIO
) -> tuple[str, str]:
    """Collect the report and do what its ``host`` lines ask, until QEMU ends or time is over.

    Returns the report, and where the guest's processors were if it had to be ended.

    ``live`` shows a person who cannot wait how far the guest is.
    """
    assert process.stdout is not None
    processors: list[str] = []

    def give_up() -> None:
        """End a guest that does not end; where its processors are tells whether they still run."""
        try:
            processors.append(Qmp(socket).monitor("info registers -a"))
            processors.extend(Qmp(socket).monitor(f"info lapic {n}") for n in range(_PROCESSORS))
        except (OSError, QmpError) as error:
            processors.append(f"QEMU does not tell where its processors are: {error}")
        process.kill()

    watchdog = threading.Timer(max(deadline - time.monotonic(), 0), give_up)
    watchdog.start()
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\r\n"))
            live.write(f"{lines[-1]}\n")
            live.flush()
            if lines[-1].startswith("host "):
                try:
                    Qmp(socket).request(lines[-1].removeprefix("host "))
                except (OSError, QmpError) as error:
                    lines.append(f"# {error}")
                    process.kill()
        process.wait()
    finally:
        watchdog.cancel()
    return "\n".join(lines), "\n".join(processors)

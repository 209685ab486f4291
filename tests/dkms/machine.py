# SPDX-License-Identifier: Apache-2.0
"""Boots the plain Debian host with a second disk that says what to do, and reads its report."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import timeouts

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
#: Both modules are compiled in the guest, under emulation, for two kernels.
LIMIT_S = 7200 * timeouts.SCALE
APPEND = "root=/dev/disk/by-id/virtio-codex-disk rw console=ttyS0,115200 loglevel=4 panic=-1"


@dataclass(frozen=True)
class Machine:
    """A host that was made by the builder, and the overlay that its boots share."""

    host: Path
    folder: Path
    accelerator: str

    @property
    def disk(self) -> Path:
        """What the boots write to."""
        overlay = self.folder / "disk.qcow2"
        if not overlay.exists():
            argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b"]
            subprocess.run([*argv, self.host / "disk.raw", overlay], check=True)
        return overlay

    def boot(self, release: str, phase: str, package: Path) -> Mapping[str, Any]:
        """Boot a kernel, do a phase, return each step's result once QEMU has ended by itself."""
        nonce = secrets.token_hex(16)
        report, console = self.folder / f"{phase}.report", self.folder / f"{phase}.console"
        report.touch()
        argv = self._command(release, self._second_disk(phase, nonce, package), report, console)
        try:
            done = subprocess.run(argv, capture_output=True, timeout=LIMIT_S, check=False)
        finally:
            self._keep_logs(phase)
        steps = {}
        for line in report.read_text(errors="replace").splitlines():
            entry = json.loads(line)
            steps[entry["step"]] = entry["result"]
        end = console.read_text(errors="replace")[-3000:]
        assert done.returncode == 0, done.stderr.decode(errors="replace") + end
        assert steps.pop("nonce", None) == nonce, f"the guest did not end its report:\n{end}"
        return steps

    def _second_disk(self, phase: str, nonce: str, package: Path) -> Path:
        """An ext4 disk with the package, the agent's client and what to run."""
        folder = self.folder / f"{phase}.try"
        folder.mkdir()
        shutil.copy(package, folder)
        shutil.copy(Path(__file__).with_name("guest.py"), folder)
        shutil.copy(ROOT / "tests/support/listing.py", folder)
        ignore = shutil.ignore_patterns("web", "__pycache__", "*.c", "*.h")
        shutil.copytree(ROOT / "codex_agent", folder / "codex_agent", ignore=ignore)
        run = f"#!/bin/sh\nexec python3 -B /try/guest.py {phase} {nonce}\n"
        (folder / "run").write_text(run)
        disk = self.folder / f"{phase}.raw"
        argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(folder), str(disk), "64M"]
        subprocess.run(argv, check=True)
        shutil.rmtree(folder)
        return disk

    def _command(self, release: str, second: Path, report: Path, console: Path) -> list[str]:
        accelerator = ["kvm", "host"] if self.accelerator == "kvm" else ["tcg,thread=multi", "max"]
        argv = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none"]
        argv += ["-machine", "q35", "-accel", accelerator[0], "-cpu", accelerator[1]]
        argv += ["-smp", "2", "-m", "2048", "-serial", f"file:{console}"]
        argv += ["-kernel", str(self.host / release / "vmlinuz")]
        argv += ["-initrd", str(self.host / release / "initrd"), "-append", APPEND]
        argv += ["-drive", f"if=none,id=disk,format=qcow2,file={self.disk},cache=unsafe"]
        argv += ["-device", "virtio-blk-pci,drive=disk,serial=codex-disk"]
        argv += ["-drive", f"if=none,id=try,format=raw,readonly=on,file={second}"]
        argv += ["-device", "virtio-blk-pci,drive=try,serial=codex-try"]
        argv += ["-device", "virtio-serial-pci", "-chardev", f"file,id=report,path={report}"]
        argv += ["-device", "virtserialport,chardev=report,name=codex.report"]
        argv += ["-device", "virtio-rng-pci", "-device", "edu,dma_mask=0xffffffffffffffff"]
        return argv

    def _keep_logs(self, phase: str) -> None:
        kept = ROOT / "build/test-logs/dkms"
        kept.mkdir(parents=True, exist_ok=True)
        for suffix in ("report", "console"):
            shutil.copy(self.folder / f"{phase}.{suffix}", kept)

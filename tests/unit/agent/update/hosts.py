# SPDX-License-Identifier: Apache-2.0
"""A host made of a folder: slots, boot entries, firmware variables, and programs that act on them.

gpgv and zstd are the real ones. casync, systemd-sysupdate, bootctl and systemctl and efibootmgr are
played: what they do is small, but they look at what they are given as the real ones do.
"""

from __future__ import annotations

import json
import re
import struct
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.config.update import Policy
from codex_agent.host.root import Root
from codex_agent.update import boot, loader, program, sums, sysupdate
from codex_agent.update.flow import Updater
from codex_agent.update.program import Done
from codex_agent.update.system import System
from tests.unit.agent.update import partitions
from tests.unit.agent.update.loaders import loader_of
from tests.unit.agent.update.nvram import Nvram
from tests.unit.agent.update.releases import CHUNK, reset_of, root_of, sha256, uki_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.unit.agent.update.keys import Keys

RUNNING = "0.1.10"
OLD = "0.1.9"
GIB = 1024**3
ESP = "c9bdb1e2-29a3-41dd-a3e5-7c1f0b0d8d11"


class Killed(BaseException):
    """Stands for a process that ends in this very moment: nothing catches it."""


def policy(**changes: object) -> Policy:
    values: dict[str, object] = {
        "mode": "notify", "source": "", "window": "", "jitter_s": 0.0, "drain_before": (),
        "drain_after": (), "ca_file": "", "allow_http": True, "page": True, **changes,
    }  # fmt: skip
    return Policy(**values)  # type: ignore[arg-type]


@dataclass
class Host:
    """``calls`` has every program that was started; ``before`` may act before one starts.

    Programs that are named in ``real`` are not played.
    """

    base: Path
    keys: Keys
    slots: dict[str, bool] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    before: dict[str, Callable[[Sequence[str]], Done | None]] = field(default_factory=dict)
    told: list[tuple[str, int, int]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    confided: list[str] = field(default_factory=list)
    uid: int = 0
    free: int = 10 * GIB
    uuids: dict[str, str] = field(default_factory=dict)
    real: set[str] = field(default_factory=set)
    nvram: Nvram = field(default_factory=Nvram)

    def __post_init__(self) -> None:
        self.run_version(RUNNING)
        for version in (OLD, RUNNING):
            self.put(f"/efi/EFI/Linux/codex-os_{version}.efi", uki_of(0))
            self.put(f"/efi/EFI/Linux/codex-os-reset_{version}.efi", reset_of(0))
            self.slots[version] = True
        self.select(f"codex-os_{RUNNING}.efi")
        self.variable(boot.LOADER, "systemd-boot 257.13-1~deb13u1")
        self.variable("LoaderDevicePartUUID", ESP.upper())
        self.put("/sys/devices/pci0/virtio1/block/vda/vda1/partition", b"1\n")
        for link, target in (
            (f"dev/disk/by-partuuid/{ESP}", "../../vda1"),
            ("sys/class/block/vda1", "../../devices/pci0/virtio1/block/vda/vda1"),
        ):
            path = self.base / link
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
        for place in (loader.SOURCE, *loader.PLACES):
            self.put(place, loader_of())
        partitions.lay(self.base, OLD, RUNNING)
        self.put("/dev/mapper/root", root_of(0))
        self.put("/etc/machine-id", b"0123456789abcdef0123456789abcdef\n")
        self.put("/usr/lib/systemd/import-pubring.gpg", self.keys.keyring.read_bytes())
        (self.base / "var/lib/codex").mkdir(parents=True)

    def put(self, name: str, content: bytes) -> Path:
        path = self.base / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def run_version(self, version: str, flavour: str = "general") -> None:
        text = f"IMAGE_ID=codex-os\nIMAGE_VERSION={version}\nVARIANT_ID={flavour}\n"
        self.put("/etc/os-release", text.encode())

    def variable(self, name: str, text: str | None) -> None:
        path = f"{boot.EFIVARS}/{name}-{boot.VENDOR}"
        if text is None:
            (self.base / path.lstrip("/")).unlink(missing_ok=True)
        else:
            self.put(path, b"\6\0\0\0" + f"{text}\0".encode("utf-16-le"))

    def select(self, name: str) -> None:
        self.variable(boot.SELECTED, name)

    def entries(self) -> list[str]:
        """Return the entries that versions start by, without those for a reset."""
        return sorted(path.name for path in (self.base / "efi/EFI/Linux").glob("codex-os_*"))

    def resets(self) -> list[str]:
        return sorted(path.name for path in (self.base / "efi/EFI/Linux").glob("codex-os-reset_*"))

    def rename(self, old: str, new: str) -> None:
        folder = self.base / "efi/EFI/Linux"
        (folder / old).rename(folder / new)

    @property
    def system(self) -> System:
        return System(
            root=Root(str(self.base)), run=self.run, euid=lambda: self.uid,
            free=lambda _path: self.free, architecture=lambda: "x86-64", sleep=lambda _s: None,
        )  # fmt: skip

    def updater(self, source: str = "", **changes: object) -> Updater:
        def tell(name: str, done: int, total: int) -> None:
            self.told.append((name, done, total))

        return Updater(
            self.system, policy(source=source, **changes), tell, self.said.append,
            confide=self.confided.append,
        )  # fmt: skip

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        keep: Sequence[int] = (),
        on_line: Callable[[str], None] | None = None,
        on_data: Callable[[bytes], None] | None = None,
    ) -> Done:
        name = Path(argv[0]).name
        self.calls.append(list(argv))
        early = self.before.get(name)
        if early is not None and (done := early(argv)) is not None:
            return done
        played = {
            "casync": self._casync, "systemd-sysupdate": self._sysupdate, "bootctl": self._bootctl,
            "systemctl": self._nothing, "hook": self._nothing, "efibootmgr": self.nvram.run,
        }.get(name)  # fmt: skip
        if played is not None and name not in self.real:
            return played(argv)
        return program.run(argv, timeout_s=timeout_s, keep=keep, on_line=on_line, on_data=on_data)

    def started(self, name: str) -> list[list[str]]:
        return [call for call in self.calls if Path(call[0]).name == name]

    def _casync(self, argv: Sequence[str]) -> Done:
        options = dict(word[2:].split("=", 1) for word in argv if "=" in word)
        content = Path(argv[-2]).read_bytes()
        seed = Path(options["seed"]).read_bytes()
        here = {sha256(p := seed[at : at + CHUNK]): p for at in range(0, len(seed), CHUNK)}
        target = Path(argv[-1])
        unfinished = target.with_name(".#unfinished")
        with unfinished.open("wb") as stream:
            for _, identifier in struct.iter_unpack("<Q32s", content[64:-40]):
                name = identifier.hex()
                part = here.get(name)
                if part is None:
                    url = f"{options['store']}/{name[:4]}/{name}.cacnk"
                    try:
                        with urllib.request.urlopen(url, timeout=20) as answer:
                            part = answer.read()
                    except (urllib.error.HTTPError, OSError):
                        return Done(1, "", "Failed to run synchronizer: No such file")
                    if sha256(part) != name:
                        return Done(1, "", "Failed to run synchronizer: Bad message")
                stream.write(part)
        unfinished.rename(target)
        return Done(0, "", "Bytes used from local seed: 61.0K (95%)\n")

    def _sysupdate(self, argv: Sequence[str]) -> Done:
        words = [word for word in argv[1:] if not word.startswith("--")]
        if words == ["list"]:
            return Done(0, json.dumps({"current": RUNNING, "all": sorted(self.slots)}), "")
        version = words[1]
        if words[0] == "list":
            if version not in self.slots:
                return Done(1, "", f"Update '{version}' not found.")
            whole = self.slots[version]
            return Done(0, json.dumps({
                "version": version, "installed": True, "incomplete": not whole,
                "protected": version == RUNNING,
            }), "")  # fmt: skip
        assert words[0] == "update"
        assert "--verify=yes" in argv
        return self._write(version)

    def _write(self, version: str) -> Done:
        stage = self.base / "var/lib/codex/update/stage"
        listed = sums.parse((stage / "SHA256SUMS").read_bytes())
        for ending in ("root.erofs", "verity.raw", "signature.raw", "reset.efi", "efi"):
            name = f"codex-os_{version}_x86-64.{ending}"
            if sha256((stage / name).read_bytes()) != listed[name]:
                return Done(1, "", f"Checksum of {name} file did not check out.")
        for role, transfer in sysupdate.TRANSFERS.items():
            text = self.base / f"run/sysupdate.d/{transfer}.transfer.d/50-uuid.conf"
            found = re.search("PartitionUUID=(.+)", text.read_text())
            assert found is not None
            self.uuids[role] = found[1]
        running = boot.read(self.system.root).running
        for entry in boot.entries(self.system.root):
            if entry.version != running:
                (self.base / "efi/EFI/Linux" / entry.file).unlink()
                reset = self.base / "efi/EFI/Linux" / boot.reset_file(entry.version)
                reset.unlink(missing_ok=True)
                self.slots.pop(entry.version, None)
        self.slots[version] = True
        content = (stage / f"codex-os_{version}_x86-64.reset.efi").read_bytes()
        self.put(f"/efi/EFI/Linux/codex-os-reset_{version}.efi", content)
        content = (stage / f"codex-os_{version}_x86-64.efi").read_bytes()
        self.put(f"/efi/EFI/Linux/codex-os_{version}+3-0.efi", content)
        return Done(0, "", "")

    def _nothing(self, argv: Sequence[str]) -> Done:
        return Done(0, "", "")

    def _bootctl(self, argv: Sequence[str]) -> Done:
        names = {"set-default": boot.DEFAULT, "set-oneshot": boot.ONESHOT}
        self.variable(names[argv[1]], argv[2].lower() or None)
        return Done(0, "", "")

    def restart(self, version: str, *, blessed: bool) -> None:
        """Start a version, and find it good or give it up."""
        for entry in boot.entries(self.system.root):
            if entry.version == version and entry.left is not None:
                new = "" if blessed else "+0-3"
                self.rename(entry.file, f"codex-os_{version}{new}.efi")
        if blessed:
            self.run_version(version)
            self.select(f"codex-os_{version}.efi")

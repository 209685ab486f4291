# SPDX-License-Identifier: Apache-2.0
"""A host below a folder, with the programs that the guard asks, all of which can be broken."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kernel_guard.host import Done, Host, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OLD, NEW = "6.12.94+deb13-amd64", "6.12.117+deb13-amd64"
SETTINGS = {
    "loader": "auto", "pinned": "", "optional": [],
    "forbidden": ["nouveau", "nova_core", "nova_drm", "nova"], "initramfs": True,
}  # fmt: skip
DISK = "2f0c6b0e-4a51-4c0c-9a0b-7d8f4c2a11aa"
# As 00_header and 10_linux of GRUB 2.12 write them, where GRUB_DEFAULT is saved.
HEADER = """\
set have_grubenv=true
load_env
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
"""
ENTRY = """\
{indent}menuentry '{title}' --class debian --class os $menuentry_id_option '{name}' {{
{indent}\tload_video
{indent}\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
{indent}\techo\t'Loading Linux {release} ...'
{indent}\tlinux\t/boot/vmlinuz-{release} root=UUID={disk} ro {words}
{indent}\tinitrd\t/boot/initrd.img-{release}
{indent}}}
"""


def grub_config(releases: Sequence[str], header: str = HEADER) -> str:
    """Write a grub.cfg with the newest kernel on top and all of them in the submenu."""
    title = "Debian GNU/Linux"
    text = header
    if releases:
        text += ENTRY.format(indent="", title=title, name=f"gnulinux-simple-{DISK}",
                             release=releases[0], words="quiet", disk=DISK)  # fmt: skip
    text += f"submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-{DISK}' {{\n"
    for release in releases:
        for kind, words in (("advanced", "quiet"), ("recovery", "single")):
            text += ENTRY.format(
                indent="\t", title=f"{title}, with Linux {release}", words=words, disk=DISK,
                name=f"gnulinux-{release}-{kind}-{DISK}", release=release,
            )  # fmt: skip
    return text + "}\n"


def saved(release: str) -> str:
    """Return what GRUB's environment holds for a kernel."""
    return f"gnulinux-advanced-{DISK}>gnulinux-{release}-advanced-{DISK}"


@dataclass
class Machine:
    """A host of two kernels, the older one running, with one DKMS module built for both."""

    base: Path
    running: str = OLD
    dkms: str = ""
    magic: dict[str, str] = field(default_factory=dict)
    listings: dict[str, str] = field(default_factory=dict)
    broken: dict[str, Done] = field(default_factory=dict)
    deaf: bool = False
    bootctl: list[dict[str, object]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def write(self, path: str, text: str) -> Path:
        place = self.base / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def settings(self, **changed: object) -> None:
        self.write("/usr/lib/codex/kernel-guard.json", json.dumps({**SETTINGS, **changed}))

    def add_kernel(self, release: str, *, built: bool = True, headers: bool = True) -> None:
        self.write(f"/boot/vmlinuz-{release}", "kernel")
        self.write(f"/boot/initrd.img-{release}", "initramfs")
        self.write(f"/lib/modules/{release}/modules.dep", "kernel/a.ko:\n")
        self.listings[release] = "usr/lib/modules/kernel/drivers/net/virtio_net.ko.xz\n"
        if headers:
            self.write(f"/lib/modules/{release}/build/include/config.h", "")
        if built:
            self.build(release)

    def build(self, release: str) -> None:
        self.dkms += f"stand-in/1.0, {release}, x86_64: installed\n"
        self.write(f"/var/lib/dkms/stand-in/1.0/{release}/x86_64/module/stand_in.ko.xz", "m")
        self.magic[release] = f"{release} SMP preempt mod_unload modversions"

    def fail_build(self, release: str) -> None:
        self.dkms = "".join(line for line in self.dkms.splitlines(True) if release not in line)
        self.dkms += "stand-in/1.0: added\n"

    def menu(self, *releases: str, header: str = HEADER) -> None:
        self.write("/boot/grub/grub.cfg", grub_config(releases, header))

    def environment(self) -> str:
        return (self.base / "boot/grub/grubenv").read_text()

    def host(self) -> Host:
        return Host(self.base, self.run, self.running, "x86_64")

    def run(self, argv: Sequence[str]) -> Done:
        self.asked.append(tuple(argv))
        program = argv[0]
        if program in self.broken:
            return self.broken[program]
        answer = getattr(self, "_" + program.replace("-", "_"), None)
        if answer is None:
            raise UnreadableError(f"{program} cannot be run: No such file or directory")
        return Done(0, answer(*argv[1:]))

    def _dkms(self, *words: str) -> str:
        return self.dkms

    def _modinfo(self, *words: str) -> str:
        return self.magic.get(words[1], "") + "\n"

    def _lsinitramfs(self, place: str) -> str:
        return self.listings[place.removeprefix("/boot/initrd.img-")]

    def _grub_editenv(self, place: str, command: str) -> str:
        return self.environment()

    def _grub_set_default(self, entry: str) -> str:
        if not self.deaf:
            lines = self.environment().splitlines(True)
            once = "".join(line for line in lines if line.startswith("next_entry="))
            self.write("/boot/grub/grubenv", f"saved_entry={entry}\n{once}")
        return ""

    def _bootctl(self, *words: str) -> str:
        if words[0] == "set-default" and not self.deaf:
            for entry in self.bootctl:
                entry["isDefault"] = entry["id"] == words[1]
        return json.dumps(self.bootctl) if words[0] == "list" else ""


def machine(base: Path, *releases: str) -> Machine:
    """Return a host with GRUB, DKMS, and these kernels, newest first, all of them good."""
    made = Machine(base)
    made.settings()
    made.write("/usr/sbin/dkms", "")
    made.write("/usr/bin/lsinitramfs", "")
    made.write("/boot/grub/grubenv", "# GRUB Environment Block\n")
    for release in releases:
        made.add_kernel(release)
    made.menu(*releases)
    return made

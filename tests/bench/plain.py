# SPDX-License-Identifier: Apache-2.0
"""A plain Debian trixie, as a cloud image is, with our kernel: what the boot is compared with."""

from pathlib import Path

from builder import log, stamp
from builder.guest import Guest, GuestSpec

from tests.bench.bare import BOOT_PACKAGES, INITRD_MODULES, Mkosi
from tests.bench.row import Context

PACKAGES = (
    *("apt", "ca-certificates", "dbus", "e2fsprogs", "iproute2", "kmod", "less", "libpam-systemd"),
    *("login", "openssh-server", "passwd", "procps", "python3", "sudo", "systemd"),
    *("systemd-resolved", "systemd-sysv", "systemd-timesyncd", "udev", "vim-tiny"),
    *BOOT_PACKAGES,
)
COMMAND_LINE = "console=tty0 console=ttyS0,115200 loglevel=4 root=PARTLABEL=plain-root rw"
CONTENT = """\
ExtraTrees=extra
RemoveFiles=/etc/ssh/ssh_host_*
KernelCommandLine={command_line} systemd.default_device_timeout_sec=900 systemd.firstboot=off

[Include]
Include={flavour}
"""
REACHED = "bench-reached"
FILES = {
    "partitions/00-esp.conf": "[Partition]\nType=esp\nFormat=vfat\nCopyFiles=/efi:/\n"
    "CopyFiles=/boot:/\nSizeMinBytes=512M\n",
    "partitions/10-root.conf": "[Partition]\nType=root\nFormat=ext4\nLabel=plain-root\n"
    "CopyFiles=/\nSizeMinBytes=4G\n",
    "extra/etc/systemd/network/80-wired.network": "[Match]\nType=ether\n[Network]\nDHCP=yes\n",
    "extra/etc/systemd/system/ssh.service.d/keys.conf": "[Service]\nExecStartPre=\n"
    "ExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n",
    "extra/etc/systemd/system/bench-reached.service": "[Unit]\nAfter=multi-user.target\n"
    "[Service]\nType=oneshot\nExecStart=/usr/local/bin/bench-reached\n",
    "extra/usr/local/bin/bench-reached": "#!/bin/sh\n"
    'key=$(cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)\n'
    f'printf "codex-host-key: %s\\n{REACHED}\\n" "$key" >/dev/console\n',
}


def ensure(context: Context) -> Mkosi:
    """Build it, unless it was built from the same."""
    flavour = context.paths.root / "images/flavours" / context.settings.flavour
    content = CONTENT.format(command_line=COMMAND_LINE, flavour=flavour)
    made = Mkosi(context, "plain-debian")
    lists = context.paths.sandbox / "etc/apt/preferences.d"
    wanted = stamp.digest(
        files=[flavour, lists], words=[content, INITRD_MODULES, *PACKAGES, *FILES.values()]
    )
    done = stamp.Stamp(context.folder, "plain-debian.stamp")
    if done.fresh(wanted) and made.disk.exists():
        return made
    with done.renewed(wanted), log.step("Building the plain Debian (some minutes)"):
        made.renew()
        for name, text in FILES.items():
            path = made.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (made.folder / "extra/usr/local/bin/bench-reached").chmod(0o755)
        wants = made.folder / "extra/etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True)
        (wants / "bench-reached.service").symlink_to("../bench-reached.service")
        made.configure(tools="", partitions="partitions", packages=PACKAGES, content=content)
        made.build()
    return made


class PlainGuest(Guest):
    """A guest of the plain Debian: the same QEMU, another kernel command line and initrd."""

    parts: Path

    def _command(self, spec: GuestSpec, accelerator: str, parts: Path) -> list[str | Path]:
        return super()._command(spec, accelerator, self.parts)

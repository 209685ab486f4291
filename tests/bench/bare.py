# SPDX-License-Identifier: Apache-2.0
"""Images that mkosi makes without our builder: the peer of the build, and the peer of the boot."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from builder import keys, sources
from builder.image import OURS

from tests.bench.row import Context, Figures
from tests.bench.timing import timed

COMMON = """\
[Distribution]
Distribution=debian
Release=trixie
Architecture=x86-64

[Build]
SandboxTrees=sandbox
PackageCacheDirectory=packages
BuildSources=
WorkspaceDirectory=workspace
Incremental=no
WithNetwork=no
{tools}
[Output]
Format=disk
ImageId={name}
Output=image
OutputDirectory=output
ManifestFormat=json
SplitArtifacts=uki
RepartDirectories={partitions}

[Content]
Bootable=yes
Bootloader=systemd-boot
UnifiedKernelImages=yes
WithDocs=no
WithRecommends=no
Locale=C.UTF-8
Timezone=UTC
{content}"""
OWN_TOOLS = "ToolsTree=default\nToolsTreeRelease=trixie\nToolsTreeSandboxTrees=sandbox\n"
SIGNED = """\

[Validation]
SecureBoot=yes
SecureBootKey={keys}/db.key
SecureBootCertificate={keys}/db.crt
SecureBootAutoEnroll=no
VerityKey={keys}/verity.key
VerityCertificate={keys}/verity.crt
SignExpectedPcr=no
"""
# All modules, mkosi's default, would make the peers slower than they have to be.
INITRD_MODULES = """\
KernelModulesInitrdExclude=.*
KernelModulesInitrdInclude=
    /virtio_blk.ko
    /virtio_scsi.ko
    /nvme.ko
    /ahci.ko
    /sd_mod.ko
    /dm-mod.ko
    /dm-verity.ko
    /erofs.ko
    /ext4.ko
    /vfat.ko
    /nls_
    /efivarfs.ko
    /loop.ko
    /autofs.ko
    /qemu_fw_cfg.ko
"""
BOOT_PACKAGES = ("systemd-boot", "systemd-boot-efi", "systemd-boot-tools")


class Mkosi:
    """A folder with a mkosi.conf and what comes of it."""

    def __init__(self, context: Context, name: str) -> None:
        self.context = context
        self.name = name
        self.folder = context.folder / name
        self.log = context.paths.logs / f"bench-{name}.log"

    @property
    def disk(self) -> Path:
        """The raw disk."""
        return self.folder / "output/image.raw"

    @property
    def uki(self) -> Path:
        """The unified kernel image beside it."""
        return self.folder / "output/image.efi"

    def renew(self) -> None:
        """Remove everything, caches too, and write the mirrors of this machine."""
        shutil.rmtree(self.folder, ignore_errors=True)
        apt = self.folder / "sandbox/etc/apt"
        (apt / "sources.list.d").mkdir(parents=True)
        mirrors = sources.deb822(sources.of_host())
        (apt / "sources.list.d/mkosi.sources").write_text(mirrors)
        locked = self.context.paths.sandbox / "etc/apt/preferences.d"
        if locked.is_dir():
            shutil.copytree(locked, apt / "preferences.d")
        for name in ("packages", "workspace", "output"):
            (self.folder / name).mkdir()

    def configure(
        self, *, tools: str, partitions: str, packages: Sequence[str], content: str = ""
    ) -> None:
        """Write mkosi.conf."""
        listed = "Packages=\n" + "".join(f"    {name}\n" for name in packages)
        text = COMMON.format(
            name=self.name,
            tools=tools,
            partitions=partitions,
            content=listed + INITRD_MODULES + content,
        )
        (self.folder / "mkosi.conf").write_text(text)

    def build(self) -> Figures:
        """Run mkosi of our tools tree, timed."""
        tree = self.context.tree
        argv = tree.command(["mkosi", "--directory", self.folder, "--force", "build"])
        return timed(argv, log=self.log, cwd=self.folder, env=tree.environment())


def same_packages(context: Context) -> Mkosi:
    """Bare mkosi with the packages, partitions and keys of our latest image, and its own tools."""
    made = Mkosi(context, "bare-mkosi")
    made.renew()
    manifest = json.loads(context.paths.image(context.version, ".manifest").read_text())
    names = {package["name"] for package in manifest["packages"]} - OURS
    keys.check_modes(context.paths.keys)
    made.configure(
        tools=OWN_TOOLS,
        partitions=str(context.paths.root / "images/partitions"),
        packages=sorted(names),
        content=SIGNED.format(keys=context.paths.keys),
    )
    return made

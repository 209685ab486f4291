# SPDX-License-Identifier: Apache-2.0
"""Builds the image: the initrd, then the disk, both by mkosi inside the tools tree."""

import hashlib
import json
import shutil
from dataclasses import astuple
from pathlib import Path

from builder import disk, kernel_packages, keys, lock, log, modules, sbom, stamp, update_key
from builder.archive import Package
from builder.boot_entry import RESET, BootEntry
from builder.errors import BuildError
from builder.kernel_packages import KernelPackages
from builder.packages import Packages
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree
from builder.version import Version
from builder.version import of as version_of

# What the image holds that no archive has, so no lock either.
OURS = frozenset({"codex-agent", kernel_packages.PREBUILT})
# Files of a role that the cached prepare step reads; any other change leaves that cache alone.
INSTALL_FILES = (
    "tasks/main.yml",
    "tasks/preflight.yml",
    "tasks/packages.yml",
    "defaults/main.yml",
    "vars",
)
# Ends what it packs together at places that the content chooses, 1 MiB on average: what differs in
# one place stays as it was in most others (docs/decisions/0021-delta-by-chunks.md).
COMPRESSION = ("zstd", "-q", "-19", "-T0", "-B1MiB", "--rsyncable", "--force", "--rm")


class Image:
    """The image of one flavour."""

    def __init__(self, paths: Paths, settings: Settings, tree: Tree) -> None:
        self.paths = paths
        self.settings = settings
        self.tree = tree
        self.log = paths.logs / "image.log"
        self.images = paths.root / "images"

    def ensure(self) -> str:
        """Make what is missing or changed and return the version that is now the latest."""
        self.tree.ensure()
        self._ensure_keys()
        version = version_of(self.paths)
        self._ensure_packages(version)
        locked = lock.read(self.paths.locks / "image.lock")
        wanted = self._digest(version)
        made = stamp.Stamp(self.paths.stamps, "image")
        if made.fresh(wanted) and self._complete(version):
            return version.number
        # From here on there is no latest image until the new one is complete.
        (self.paths.image_dir / "latest").unlink(missing_ok=True)
        made.clear()
        self._prepare_sandbox(locked)
        self._initrd()
        self._disk(version)
        self._verify_packages(locked, version)
        self._reset_entry(version)
        sbom.write(self.paths, version)
        self._publish(version)
        made.write(wanted)
        return version.number

    def _ensure_keys(self) -> None:
        keys.ensure(self.paths, self.tree)
        update_key.ensure(self.paths)

    def _ensure_packages(self, version: Version) -> None:
        """Make our own packages, and lay beside them what else the scripts of the build need."""
        Packages(self.paths, self.tree).ensure_agent(version)
        ours = KernelPackages(self.paths, self.tree)
        ours.ensure_prebuilt(version, modules.image_release(self.paths, self.settings.flavour))
        ours.ensure_dkms(version)
        shutil.copy(self.paths.keys / "verity.crt", self.paths.packages / "verity.crt")
        (self.paths.packages / update_key.PUBLIC).write_bytes(update_key.keyring(self.paths))

    def manifest_packages(self, version: Version) -> list[dict[str, str]]:
        """Return the packages of image and initrd as mkosi recorded them."""
        found: list[dict[str, str]] = []
        for path in (
            self.paths.image(version.number, ".manifest"),
            self.paths.initrd_dir / "initrd.manifest",
        ):
            found += json.loads(path.read_text())["packages"]
        return found

    def build_for_lock(self) -> list[Package]:
        """Build without the lock and return what went in, with the archive's hashes."""
        self._ensure_keys()
        version = version_of(self.paths)
        self._ensure_packages(version)
        self._prepare_sandbox({})
        for name in ("image-cache", "initrd", "image"):
            stamp.Stamp(self.paths.stamps, name).clear()
        self._initrd()
        self._disk(version)
        used = {
            (p["name"], p["version"])
            for p in self.manifest_packages(version)
            if p["name"] not in OURS
        }
        archive = self.tree.archive()
        packages = [
            p for p in archive.show({name for name, _ in used}) if (p.name, p.version) in used
        ]
        missing = {name for name, _ in used} - {p.name for p in packages}
        if missing:
            raise BuildError(
                f"The archive does not list: {', '.join(sorted(missing))}.",
                hint="Run make lock again.",
            )
        return list({p.name: p for p in packages}.values())

    def _digest(self, version: Version) -> str:
        # What goes into a disk; the builder itself and the lock of the tools are not part of it.
        parts = [
            path
            for path in self.images.iterdir()
            if path.name not in {"builder", "lock", "__pycache__"}
        ]
        folders = [
            *parts,
            self.paths.locks / "image.lock",
            self.paths.root / "roles",
            self.paths.root / "playbooks",
            self.paths.packages,
        ]
        files = [self.paths.root / "mkosi.conf", *self.paths.keys.glob("*.crt")]
        return stamp.digest(
            files=[*folders, *files],
            words=[version.number, version.commit, self.settings.flavour, *astuple(RESET)],
        )

    def _complete(self, version: Version) -> bool:
        there = all(path.exists() for path in self._artefacts(version))
        return there and self.paths.latest_version() == version.number

    def _artefacts(self, version: Version) -> list[Path]:
        suffixes = (".raw", ".efi", ".manifest", ".spdx.json")
        found = [self.paths.image(version.number, suffix) for suffix in suffixes]
        return [*found, self.paths.entry(RESET.name, version.number)]

    def _prepare_sandbox(self, locked: dict[str, Package]) -> None:
        """Write the apt configuration that mkosi uses: the host's mirrors, the locked versions."""
        archive = self.tree.archive()
        with log.step("Reading the archive's package lists"):
            archive.refresh()
            if locked:
                lock.check_archive(locked, archive)
        apt = self.paths.sandbox / "etc/apt"
        shutil.rmtree(self.paths.sandbox, ignore_errors=True)
        (apt / "sources.list.d").mkdir(parents=True)
        (apt / "preferences.d").mkdir()
        shutil.copy(archive.sources, apt / "sources.list.d/mkosi.sources")
        (apt / "preferences.d/codex-lock").write_text(lock.preferences(locked.values()) or "\n")

    def _mkosi(self, folder: Path, *words: str | Path) -> None:
        # What an interrupted mkosi left there is some GiB, and nobody else would remove it.
        shutil.rmtree(self.paths.build / "workspace", ignore_errors=True)
        caches = ("cache/packages", "cache/image", "cache/initrd")
        for name in (*caches, "workspace", "image", "initrd"):
            (self.paths.build / name).mkdir(parents=True, exist_ok=True)
        self.tree.run(["mkosi", "--directory", folder, *words], log=self.log, cwd=folder)

    def _initrd(self) -> None:
        result = self.paths.initrd_dir / "initrd.cpio.zst"
        wanted = stamp.digest(
            files=[
                self.images / "initrd",
                self.images / "flavours" / self.settings.flavour,
                self.paths.sandbox / "etc/apt/preferences.d",
            ],
            words=[stamp.Stamp(self.paths.stamps, "tools").path.read_text()],
        )
        made = stamp.Stamp(self.paths.stamps, "initrd")
        if made.fresh(wanted) and result.exists():
            return
        flavour = f"--include=../flavours/{self.settings.flavour}"
        with made.renewed(wanted), log.step("Building the initrd"):
            self._mkosi(self.images / "initrd", flavour, "--force", "build")
            plain = self.paths.initrd_dir / "initrd.cpio"
            self.tree.run([*COMPRESSION, plain, "-o", result], log=self.log)

    def _disk(self, version: Version) -> None:
        cache = stamp.Stamp(self.paths.stamps, "image-cache")
        wanted = self._cache_digest()
        fresh = cache.fresh(wanted)
        with log.step(
            f"Building image {version.number}"
            + ("" if fresh else " from packages (about 5 minutes)")
        ):
            if not fresh:
                cache.clear()
            self._mkosi(
                self.paths.root,
                "--force" if fresh else "-ff",
                f"--include=images/flavours/{self.settings.flavour}",
                f"--image-version={version.number}",
                f"--environment=CODEX_FLAVOUR={self.settings.flavour}",
                f"--environment=CODEX_COMMIT={version.commit}",
                "build",
            )
            cache.write(wanted)

    def _reset_entry(self, version: Version) -> None:
        """Put the entry for a factory reset beside the version's UKI, here and on its ESP.

        mkosi fills the ESP when the root hash is known, and makes no second UKI of it.
        """
        entry = BootEntry(self.paths, self.tree, RESET).make(version.number)
        raw = self.paths.image(version.number, ".raw")
        disk.add_to_esp(self.tree, raw, entry, "/EFI/Linux", log=self.log)

    def _cache_digest(self) -> str:
        """Digest of what the cached part of the build reads; mkosi compares package names only."""
        roles = [
            path for role in sorted((self.paths.root / "roles").iterdir()) for name in INSTALL_FILES
            if (path := role / name).exists()
        ]  # fmt: skip
        scripts = [self.images / "scripts" / name for name in ("prepare", "apply", "enter")]
        configuration = [
            self.images / "mkosi.conf.d/40-base.conf",
            self.images / "flavours" / self.settings.flavour,
        ]
        playbooks = [self.paths.root / "playbooks/site.yml"]
        lists = [self.paths.sandbox / "etc/apt/preferences.d"]
        return stamp.digest(
            files=[*roles, *scripts, *configuration, *playbooks, *lists],
            words=[stamp.Stamp(self.paths.stamps, "tools").path.read_text()],
        )

    def _verify_packages(self, locked: dict[str, Package], version: Version) -> None:
        """Compare what went in with the lock: name and version, and the .deb files by hash."""
        names = {
            p["name"]: p["version"]
            for p in self.manifest_packages(version)
            if p["name"] not in OURS
        }
        lock.check_result(locked, names, "The image")
        wrong = []
        for deb in sorted((self.paths.build / "cache/packages").rglob("*.deb")):
            name, deb_version = deb.name.split("_")[0], deb.name.split("_")[1].replace("%3a", ":")
            package = locked.get(name)
            if (
                name in names
                and package
                and package.version == deb_version
                and _sha256(deb) != package.sha256
            ):
                wrong.append(deb.name)
        if wrong:
            raise BuildError(
                f"Downloaded packages do not have their locked hash: {', '.join(wrong)}.",
                hint="Remove build/cache/packages and try again; "
                "if it stays, do not trust the mirror.",
            )

    def _publish(self, version: Version) -> None:
        """Names the version as the latest and removes the artefacts of others."""
        folder = self.paths.image_dir
        names = self._artefacts(version)
        sums = "".join(f"{_sha256(path)}  {path.name}\n" for path in names)
        (folder / "SHA256SUMS").write_text(sums)
        for path in folder.iterdir():
            if path.name.startswith("codex-os") and path not in names:
                path.unlink()
        new = folder / "latest.new"
        new.write_text(version.number + "\n")
        new.replace(folder / "latest")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

# SPDX-License-Identifier: Apache-2.0
"""What an interrupted build leaves is noticed and made again: tools tree, page, image."""

import hashlib
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from builder import disk, keys, lock, modules, stamp, update_key
from builder import image as image_module
from builder.archive import Archive, Package
from builder.boot_entry import BootEntry
from builder.errors import BuildError
from builder.image import Image
from builder.kernel_packages import KernelPackages
from builder.packages import Packages
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree
from builder.version import Version

from tests.unit.builder.conftest import HostTree, InChild, Programs

ONE = Package("one", "1", "amd64", "a" * 64)
TWO = Package("one", "2", "amd64", "b" * 64)
SOURCES = "http://m/debian\tDebian\tDebian\nhttp://m/debian-security\tDebian\tDebian-Security"
# The last argument but one of mmdebstrap is the folder of the tree.
MAKE_TREE = 'for last; do target=$before; before=$last; done; mkdir -p "$target/etc"'


@pytest.fixture
def bare(paths: Paths, programs: Programs) -> Paths:
    """Repository before its first build, with an archive and a mmdebstrap that works."""
    (paths.locks / "tools.in").write_text("one # comment\n")
    programs.add("apt-get", f"case $1 in indextargets) echo '{SOURCES}';; esac")
    _archive(programs, paths, ONE)
    programs.add("mmdebstrap", f'{MAKE_TREE}; touch "$target/complete"')
    return paths


def _archive(programs: Programs, paths: Paths, package: Package) -> None:
    """Archive, lock and result of an installation agree on this version."""
    lock.write(paths.locks / "tools.lock", [package])
    text = (
        f"Package: {package.name}\\nVersion: {package.version}\\nArchitecture: amd64\\n"
        f"SHA256: {package.sha256}\\n\\n"
    )
    programs.add("apt-cache", f"printf '{text}'")
    programs.add("dpkg-query", f"echo '{package.name} {package.version}'")


TREE = """
import sys
from pathlib import Path
from builder.paths import Paths
from builder.tree import Tree
Tree(Paths(Path(sys.argv[1]))).ensure()
"""


def test_tree_is_made_once(bare: Paths, programs: Programs) -> None:
    Tree(bare).ensure()
    Tree(bare).ensure()
    assert len(programs.calls("mmdebstrap")) == 1
    assert (bare.tools / "complete").exists()


@pytest.mark.parametrize("body", ["kill -9 $PPID", "kill -2 $PPID; sleep 5", "exit 1"])
def test_tree_that_broke_off_is_made_again(
    bare: Paths, programs: Programs, in_child: InChild, body: str
) -> None:
    programs.add("mmdebstrap", f'{MAKE_TREE}; touch "$target/half"; {body}')
    assert in_child(TREE, bare.root).returncode != 0
    assert (bare.tools / "half").exists()
    assert not (bare.stamps / "tools").exists()
    programs.add("mmdebstrap", f'{MAKE_TREE}; touch "$target/complete"')
    Tree(bare).ensure()
    assert (bare.tools / "complete").exists()
    assert not (bare.tools / "half").exists()


def test_half_tree_is_not_taken_for_the_one_before_when_the_lock_is_set_back(
    bare: Paths, programs: Programs, in_child: InChild
) -> None:
    Tree(bare).ensure()
    good = (programs.folder / "mmdebstrap").read_text()
    _archive(programs, bare, TWO)
    programs.add("mmdebstrap", f'{MAKE_TREE}; touch "$target/half"; kill -9 $PPID')
    assert in_child(TREE, bare.root).returncode == -signal.SIGKILL
    _archive(programs, bare, ONE)
    (programs.folder / "mmdebstrap").write_text(good)
    Tree(bare).ensure()
    assert (bare.tools / "complete").exists()
    assert not (bare.tools / "half").exists()


def test_new_tree_has_no_browser_yet(bare: Paths) -> None:
    Tree(bare).ensure()
    browser = stamp.Stamp(bare.stamps, "browser")
    browser.write("added to this tree")
    (bare.tools / "complete").unlink()
    (bare.stamps / "tools").unlink()
    Tree(bare).ensure()
    assert not browser.path.exists()


def test_tree_with_other_packages_than_the_locked_ones_is_not_used(
    bare: Paths, programs: Programs
) -> None:
    programs.add("dpkg-query", "echo 'one 1'; echo 'guest 9'")
    for _ in range(2):
        with pytest.raises(BuildError, match="The tools tree holds packages"):
            Tree(bare).ensure()
    assert len(programs.calls("mmdebstrap")) == 2


def test_tree_in_which_something_is_mounted_is_not_removed(
    bare: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.tools.mkdir()
    (bare.tools / "precious").touch()
    monkeypatch.setattr("builder.tree.mounted_below", lambda folder: True)
    with pytest.raises(BuildError, match="Something is mounted below"):
        Tree(bare).ensure()
    assert (bare.tools / "precious").exists()


@pytest.fixture
def page(paths: Paths, tree: HostTree, programs: Programs) -> Packages:
    """Sources of the page and an npm that builds them."""
    web = paths.root / "codex_agent/web"
    web.mkdir(parents=True)
    (web / "package-lock.json").write_text("{}")
    (web / "main.ts").write_text("one")
    programs.add("npm", "case $1 in ci) mkdir -p node_modules;; run) mkdir -p dist; "
                 "cp main.ts dist/index.html;; esac")  # fmt: skip
    return Packages(paths, tree)


def test_page_that_broke_off_is_built_again_when_its_source_is_set_back(
    page: Packages, programs: Programs
) -> None:
    source = page.paths.root / "codex_agent/web/main.ts"
    built = page.ensure_page() / "index.html"
    good = (programs.folder / "npm").read_text()
    source.write_text("two")
    programs.add("npm", "printf half >dist/index.html; exit 1")
    with pytest.raises(BuildError, match="npm ended with status 1"):
        page.ensure_page()
    source.write_text("one")
    (programs.folder / "npm").write_text(good)
    page.ensure_page()
    assert built.read_text() == "one"
    programs.forget()
    page.ensure_page()
    assert programs.calls("npm") == []


def test_python_environment_that_is_gone_is_made_again(page: Packages, programs: Programs) -> None:
    requirements = page.paths.root / "requirements"
    requirements.mkdir()
    for name in ("agent.txt", "dev.txt"):
        (requirements / name).write_text("")
    venv = page.paths.venv
    programs.add("python3", f'mkdir -p "{venv}/bin"; ln -sf /bin/true "{venv}/bin/python"; '
                 f'ln -sf /bin/true "{venv}/bin/pip"')  # fmt: skip
    for _ in range(2):
        page.ensure_venv()
    assert len(programs.calls("python3")) == 1
    (venv / "bin/python").unlink()
    page.ensure_venv()
    assert len(programs.calls("python3")) == 2


# mkosi leaves what it was asked for: the initrd or the disk, with a manifest.
MKOSI = """
last=; for w; do case $w in --image-version=*) version=${w#*=};; esac; done
manifest='{"packages": [{"name": "one", "version": "1", "architecture": "amd64"}]}'
if [ "${version-}" ]; then
  out=../build/image/codex-os_$version; [ -d build/image ] && out=build/image/codex-os_$version
  for s in raw efi; do echo "$version $*" >"$out.$s"; done; echo "$manifest" >"$out.manifest"
else
  out=../../build/initrd/initrd
  echo initrd >$out.cpio; echo "$manifest" >$out.manifest
fi
"""


class Build:
    """An image build in which only mkosi and the boot entry, both stand-ins, do anything."""

    def __init__(self, paths: Paths, tree: HostTree, programs: Programs) -> None:
        self.paths = paths
        self.programs = programs
        self.image = Image(paths, Settings(), tree)
        self.full = False
        self.mkosi()

    def entry(self, version: str) -> Path:
        path = self.paths.entry("codex-os-reset", version)
        path.write_text("entry")
        return path

    def lay(self, raw: Path, entry: Path, folder: str) -> None:
        if self.full:
            raise BuildError("mcopy ended with status 1.")
        assert folder == "/EFI/Linux"
        raw.write_text(f"{raw.read_text()}{entry.name}\n")

    def mkosi(self, before: str = "", after: str = "") -> None:
        self.programs.add("mkosi", f"{before}\n{MKOSI}\n{after}")

    def again(self) -> list[str]:
        """Build, and tell mkosi's calls, each as `initrd` or `disk`, with -ff if it began anew."""
        self.programs.forget()
        self.image.ensure()
        return self.calls()

    def calls(self) -> list[str]:
        found = []
        for line in self.programs.calls("mkosi"):
            kind = "disk" if "--image-version" in line else "initrd"
            found.append(f"{kind} anew" if " -ff " in line else kind)
        return found


@pytest.fixture
def build(
    paths: Paths, tree: HostTree, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> Build:
    for name in (
        "images/initrd/x", "images/scripts/prepare", "images/scripts/apply", "images/scripts/enter",
        "images/mkosi.conf.d/40-base.conf", "images/flavours/general/mkosi.conf", "mkosi.conf",
        "roles/agent/tasks/main.yml", "roles/agent/tasks/configure.yml", "playbooks/site.yml",
        "requirements/agent.txt", "keys/verity.crt", "keys/update.pub",
        "build/packages/codex-agent_1.deb",
    ):  # fmt: skip
        (paths.root / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.root / name).write_text("1")
    web = paths.root / "codex_agent/web"
    web.mkdir(parents=True)
    (web / "package-lock.json").write_text('{"packages": {}}')
    lock.write(paths.locks / "image.lock", [ONE])

    def refresh(self: Archive) -> None:
        (self.folder / "sources").mkdir(parents=True, exist_ok=True)
        (self.folder / "sources/trixie.sources").write_text("sources")

    monkeypatch.setattr(HostTree, "ensure", lambda self: None)
    monkeypatch.setattr(keys, "ensure", lambda paths, tree: None)
    monkeypatch.setattr(update_key, "ensure", lambda paths: None)
    monkeypatch.setattr(Packages, "ensure_agent", lambda self, version: None)
    monkeypatch.setattr(KernelPackages, "ensure_prebuilt", lambda self, version, release: None)
    monkeypatch.setattr(KernelPackages, "ensure_dkms", lambda self, version: None)
    monkeypatch.setattr(modules, "image_release", lambda paths, flavour: "7.3")
    monkeypatch.setattr(Archive, "refresh", refresh)
    monkeypatch.setattr(lock, "check_archive", lambda locked, archive: None)
    version = Version("0.1.2", "c0ffee", 0)
    monkeypatch.setattr(image_module, "version_of", lambda paths: version)
    build = Build(paths, tree, programs)
    monkeypatch.setattr(BootEntry, "make", lambda self, version: build.entry(version))
    monkeypatch.setattr(
        disk, "add_to_esp", lambda tree, raw, file, folder, *, log: build.lay(raw, file, folder)
    )
    return build


def test_image_is_built_once(build: Build) -> None:
    assert build.again() == ["initrd", "disk anew"]
    assert build.paths.latest_version() == "0.1.2"
    assert build.again() == []


def test_entry_for_a_reset_is_on_the_disk_and_beside_it(build: Build) -> None:
    build.again()
    entry = "codex-os-reset_0.1.2.efi"
    assert build.paths.image("0.1.2", ".raw").read_text().splitlines()[-1] == entry
    sums = (build.paths.image_dir / "SHA256SUMS").read_text().splitlines()
    listed = {line.split("  ")[1]: line.split("  ")[0] for line in sums}
    there = {p.name for p in build.paths.image_dir.iterdir() if p.name.startswith("codex-os")}
    assert listed.keys() == there
    assert listed[entry] == hashlib.sha256(b"entry").hexdigest()
    # The sums were made of the disk as it is with the entry.
    raw = build.paths.image("0.1.2", ".raw")
    assert listed[raw.name] == hashlib.sha256(raw.read_bytes()).hexdigest()


def test_disk_without_its_entry_is_no_image(build: Build) -> None:
    build.full = True
    with pytest.raises(BuildError, match="mcopy"):
        build.image.ensure()
    assert build.paths.latest_version() is None
    build.full = False
    assert build.again() == ["disk"]
    # The disk was made anew: one that was half written is not written to again.
    assert build.paths.image("0.1.2", ".raw").read_text().count("codex-os-reset") == 1


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("roles/agent/tasks/configure.yml", ["disk"]),
        ("roles/agent/tasks/main.yml", ["disk anew"]),
        ("build/packages/codex-agent_1.deb", ["disk"]),
        ("images/scripts/prepare", ["disk anew"]),
        ("images/initrd/x", ["initrd", "disk"]),
        ("images/flavours/general/mkosi.conf", ["initrd", "disk anew"]),
        ("mkosi.conf", ["disk"]),
        ("keys/verity.crt", ["disk"]),
    ],
)
def test_change_rebuilds_what_reads_it_and_no_more(
    build: Build, name: str, calls: list[str]
) -> None:
    build.again()
    (build.paths.root / name).write_text("2")
    assert build.again() == calls
    assert build.again() == []


def test_other_commit_of_the_same_number_is_another_image(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.again()
    monkeypatch.setattr(image_module, "version_of", lambda paths: Version("0.1.2", "decade", 0))
    assert build.again() == ["disk"]


BREAKS: dict[str, Callable[[Build], None]] = {
    "initrd": lambda build: build.mkosi(before='case "$*" in *image-version*) ;; *) exit 1;; esac'),
    "disk, before": lambda build: build.mkosi(before='case "$*" in *image-version*) exit 1;; esac'),
    "disk, after": lambda build: build.mkosi(after='[ "${version-}" ] && exit 1; true'),
}


@pytest.mark.parametrize("where", BREAKS)
@pytest.mark.parametrize("first", [True, False])
def test_image_that_broke_off_is_no_image_and_is_made_again(
    build: Build, where: str, first: bool
) -> None:
    flavour = build.paths.root / "images/flavours/general/mkosi.conf"
    if not first:
        build.again()
        flavour.write_text("2")
    BREAKS[where](build)
    with pytest.raises(BuildError, match="mkosi ended with status 1"):
        build.image.ensure()
    assert build.paths.latest_version() is None
    # Also when what caused the change is taken back, nothing half-made is believed.
    flavour.write_text("1")
    build.mkosi()
    # The cache of the disk is as good as before only if the disk was not begun.
    begun = first or where != "initrd"
    assert build.again()[-1] == ("disk anew" if begun else "disk")
    assert build.paths.latest_version() == "0.1.2"
    assert build.again() == []


def test_image_with_other_packages_than_the_locked_ones_is_no_image(build: Build) -> None:
    lock.write(build.paths.locks / "image.lock", [TWO])
    with pytest.raises(BuildError, match="The image holds packages"):
        build.image.ensure()
    assert build.paths.latest_version() is None


@pytest.mark.parametrize("name", ["codex-os_0.1.2.efi", "codex-os-reset_0.1.2.efi"])
def test_artefact_that_is_gone_is_made_again(build: Build, name: str) -> None:
    build.again()
    (build.paths.image_dir / name).unlink()
    assert build.again() == ["disk"]


def test_leftovers_of_a_killed_mkosi_are_removed(build: Build) -> None:
    left = build.paths.build / "workspace/mkosi-workspace-abc"
    left.mkdir(parents=True)
    (left / "gigabytes").touch()
    build.again()
    assert list((build.paths.build / "workspace").iterdir()) == []


def test_older_artefacts_are_removed_when_the_new_ones_are_whole(build: Build) -> None:
    build.again()
    old = build.paths.image("0.1.1", ".raw")
    old.write_text("old")
    build.paths.entry("codex-os-reset", "0.1.1").write_text("old")
    build.paths.image("0.1.2", ".raw").unlink()
    build.again()
    assert not old.exists()
    assert not build.paths.entry("codex-os-reset", "0.1.1").exists()


def test_downloaded_package_of_another_hash(build: Build) -> None:
    deb = build.paths.build / "cache/packages/one_1_amd64.deb"
    deb.parent.mkdir(parents=True)
    deb.write_text("not what was locked")
    with pytest.raises(BuildError, match=r"do not have their locked hash: one_1_amd64\.deb"):
        build.image.ensure()
    assert build.paths.latest_version() is None

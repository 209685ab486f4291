# SPDX-License-Identifier: Apache-2.0
"""Compiling and signing kernel modules, with a sandbox that only writes what it is told."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from builder import sandbox
from builder.errors import BuildError
from builder.modules import Modules, image_release
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

RELEASE = "7.3.4+deb13-amd64"
SIGNER = "Codex OS kernel modules"


@dataclass
class Step:
    """One call of the sandbox."""

    words: list[str]
    user: int
    files: list[str]
    seen: list[str] = field(default_factory=list)


class Sandbox:
    """Stands in for the sandbox: `make` leaves modules that hold the text of their source."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.make: Callable[[Path], None] = self.compiled

    def __call__(
        self, paths: Paths, folder: Path, words: Sequence[str | Path], *, log: Path,
        env: Any = None, user: int = sandbox.NOBODY, files: Sequence[Path] = (),
    ) -> None:  # fmt: skip
        step = Step([str(word) for word in words], user, [path.name for path in files])
        step.seen = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        self.steps.append(step)
        if user == sandbox.NOBODY:
            self.make(folder)

    @staticmethod
    def compiled(folder: Path) -> None:
        for kbuild in folder.glob("ai_*/Kbuild"):
            name = kbuild.parent.name
            (kbuild.parent / f"{name}.ko").write_text((kbuild.parent / "main.c").read_text())


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    found = Sandbox()
    monkeypatch.setattr(sandbox, "run", found)
    if os.geteuid() != 0:
        monkeypatch.setattr(os, "chown", lambda *args, **kwargs: None)
    return found


@pytest.fixture
def modules(paths: Paths, tree: HostTree, programs: Programs, box: Sandbox) -> Modules:
    for name in ("ai_mem", "ai_gpu"):
        folder = paths.root / "kernel/linux" / name
        folder.mkdir(parents=True)
        (folder / "Kbuild").write_text(f"obj-m += {name}.o\n")
        (folder / "main.c").write_text("one")
    (paths.root / "kernel/linux/include").mkdir()
    (paths.root / "kernel/linux/include/x.h").write_text("header")
    (paths.locks / "tools.in").write_text(f"linux-headers-{RELEASE}\n")
    (paths.tools / f"usr/src/linux-headers-{RELEASE}").mkdir(parents=True)
    paths.keys.mkdir()
    (paths.keys / "modules.key").write_text("key")
    (paths.keys / "modules.crt").write_text("certificate")
    programs.add("modinfo", f"echo {SIGNER}")
    return Modules(paths, tree)


def test_what_a_flavour_names_is_the_release(paths: Paths) -> None:
    conf = paths.root / "images/flavours/general/mkosi.conf"
    conf.write_text("Packages=\n    linux-binary-7.3.4+deb13-amd64\n    linux-modules-7.3.4\n")
    assert image_release(paths, "general") == RELEASE
    for text in ("Packages=\n    apt\n", "    linux-binary-1\n    linux-binary-2\n"):
        conf.write_text(text)
        with pytest.raises(BuildError, match=r"names . kernels, not one"):
            image_release(paths, "general")


def test_unchanged_sources_are_compiled_once(modules: Modules, box: Sandbox) -> None:
    target = modules.ensure(RELEASE)
    assert sorted(path.name for path in target.iterdir()) == ["ai_gpu.ko", "ai_mem.ko"]
    modules.ensure(RELEASE)
    assert len(box.steps) == 1
    assert [path.name for path in modules.paths.modules.iterdir()] == [RELEASE]


@pytest.mark.parametrize("name", ["ai_mem/main.c", "include/x.h", "ai_gpu/Kbuild"])
def test_change_compiles_again_also_when_it_is_set_back(
    modules: Modules, box: Sandbox, name: str
) -> None:
    modules.ensure(RELEASE)
    source = modules.sources / name
    before = source.read_text()
    source.write_text(f"{before}# two\n")
    modules.ensure(RELEASE)
    source.write_text(before)
    modules.ensure(RELEASE)
    assert len(box.steps) == 3


def test_module_that_is_gone_is_compiled_again(modules: Modules, box: Sandbox) -> None:
    (modules.ensure(RELEASE) / "ai_mem.ko").unlink()
    assert (modules.ensure(RELEASE) / "ai_mem.ko").exists()
    assert len(box.steps) == 2


def test_build_that_broke_off_is_done_again(modules: Modules, box: Sandbox) -> None:
    modules.ensure(RELEASE)
    (modules.sources / "ai_mem/main.c").write_text("two")

    def fail(folder: Path) -> None:
        box.compiled(folder)
        raise BuildError("make ended with status 2.")

    box.make = fail
    for _ in range(2):
        with pytest.raises(BuildError, match="status 2"):
            modules.ensure(RELEASE)
    box.make = box.compiled
    assert (modules.ensure(RELEASE) / "ai_mem.ko").read_text() == "two"


def test_build_sees_a_copy_without_what_an_earlier_one_left(modules: Modules, box: Sandbox) -> None:
    for name in ("ai_mem/ai_mem.ko", "ai_mem/main.o", "ai_mem/.main.o.cmd", "Module.symvers"):
        (modules.sources / name).write_text("left")
    listing = sorted(modules.sources.rglob("*"))
    modules.ensure(RELEASE)
    assert box.steps[0].seen == [
        "ai_gpu/Kbuild", "ai_gpu/main.c", "ai_mem/Kbuild", "ai_mem/main.c", "include/x.h",
    ]  # fmt: skip
    assert sorted(modules.sources.rglob("*")) == listing


@pytest.mark.skipif(os.geteuid() != 0, reason="files change their owner")
def test_copy_belongs_to_nobody(modules: Modules, box: Sandbox) -> None:
    owners: set[int] = set()

    def look(folder: Path) -> None:
        owners.update(path.stat().st_uid for path in (folder, *folder.rglob("*")))
        box.compiled(folder)

    box.make = look
    modules.ensure(RELEASE)
    assert owners == {sandbox.NOBODY}
    assert all(path.stat().st_uid == 0 for path in modules.ensure(RELEASE).iterdir())


def test_link_that_the_build_left_is_not_followed(modules: Modules, box: Sandbox) -> None:
    """The builder is root: it would copy what the link points to to where all can read it."""
    key = modules.paths.keys / "modules.key"

    def link_file(folder: Path) -> None:
        box.compiled(folder)
        (folder / "ai_mem/ai_mem.ko").unlink()
        (folder / "ai_mem/ai_mem.ko").symlink_to(key)

    def link_folder(folder: Path) -> None:
        box.compiled(folder)
        elsewhere = modules.paths.keys / "ai_mem.ko"
        elsewhere.write_text("secret")
        (folder / "ai_mem").rename(folder / "was")
        (folder / "ai_mem").symlink_to(modules.paths.keys)

    for box.make in (link_file, link_folder):
        with pytest.raises(BuildError, match=r"left a link in place of ai_mem\.ko"):
            modules.ensure(RELEASE)
        assert not (modules.paths.modules / RELEASE / "ai_mem.ko").exists()


def test_build_without_a_module_is_a_failure(modules: Modules, box: Sandbox) -> None:
    box.make = lambda folder: None
    with pytest.raises(BuildError, match=r"left no ai_gpu\.ko"):
        modules.ensure(RELEASE)


def test_kernel_without_headers(modules: Modules, box: Sandbox) -> None:
    with pytest.raises(BuildError, match=r"headers of kernel 6\.12 are not there") as error:
        modules.ensure("6.12")
    assert "make test-kernel" in error.value.hint
    assert box.steps == []


def test_signing_sees_the_modules_and_the_pair_and_no_source(
    modules: Modules, box: Sandbox
) -> None:
    modules.ensure_signed(RELEASE)
    compile_, *sign = box.steps
    assert compile_.files == []
    assert compile_.user == sandbox.NOBODY
    assert not [word for word in compile_.words if "key" in word]
    assert [step.words[-1] for step in sign] == ["ai_gpu.ko", "ai_mem.ko"]
    for step in sign:
        assert step.seen == ["ai_gpu.ko", "ai_mem.ko"]
        assert step.files == ["modules.key", "modules.crt"]
        program = f"/usr/src/linux-headers-{RELEASE}/scripts/sign-file"
        assert step.words[:4] == [program, "sha256", "/run/modules.key", "/run/modules.crt"]


def test_signed_once_and_again_for_another_certificate(modules: Modules, box: Sandbox) -> None:
    modules.ensure_signed(RELEASE)
    modules.ensure_signed(RELEASE)
    assert len(box.steps) == 3
    (modules.paths.keys / "modules.crt").write_text("other")
    modules.ensure_signed(RELEASE)
    assert [step.user for step in box.steps[3:]] == [sandbox.ROOT] * 2


@pytest.mark.parametrize("said", ["", "Somebody else"])
def test_module_without_our_signature_is_none(
    modules: Modules, box: Sandbox, programs: Programs, said: str
) -> None:
    programs.add("modinfo", f"echo '{said}'")
    for _ in range(2):
        with pytest.raises(BuildError, match=f"is signed by {said or 'nobody'}"):
            modules.ensure_signed(RELEASE)

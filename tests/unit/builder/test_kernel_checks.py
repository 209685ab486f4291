# SPDX-License-Identifier: Apache-2.0
"""What is checked of kernel code, and that a remark of a checker is a failure."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from builder import kernel_checks
from builder.errors import BuildError
from builder.modules import Modules
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

RELEASE = "7.3"
PATCH = "// Confidence: High\nvirtual report\n"


@pytest.fixture
def sources(paths: Paths, tree: HostTree) -> Path:
    folder = paths.root / "kernel/linux"
    for name in ("ai_mem/main.c", "ai_mem/x.h", "include/uapi/codex/ai_mem.h", "probe/one.c"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    (folder / "ai_mem/main.mod.c").write_text("made by a build")
    (paths.stamps / "kernel").write_text("kernel\n")
    (paths.kernel_source / "scripts/coccinelle").mkdir(parents=True)
    _headers(paths, "#define TYPEOF(x) typeof(x)\n")
    return folder


def _headers(paths: Paths, text: str) -> None:
    """Headers of a kernel, as Debian lays them: a Makefile that names the common ones."""
    makefile = paths.tools / f"usr/src/linux-headers-{RELEASE}/Makefile"
    types = paths.tools / "usr/src/common/include/linux/compiler_types.h"
    for path in (makefile, types):
        path.parent.mkdir(parents=True, exist_ok=True)
    makefile.write_text("KBUILD_OUTPUT=/x\ninclude /usr/src/common/Makefile\n")
    types.write_text(text)


def _compiles(paths: Paths, monkeypatch: pytest.MonkeyPatch, said: str) -> list[tuple[str, ...]]:
    """Let a build say something; the options of each build are in the list that is returned."""
    calls: list[tuple[str, ...]] = []

    def compiled(self: Modules, release: str, options: Sequence[str]) -> Path:
        calls.append(tuple(options))
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("a") as stream:
            stream.write(said)
        (paths.build / "work").mkdir(exist_ok=True)
        return paths.build / "work"

    monkeypatch.setattr(Modules, "compile", compiled)
    return calls


def _names(words: Sequence[str | Path], folder: Path) -> list[str]:
    paths = [Path(word) for word in words]
    return [str(p.relative_to(folder)) for p in paths if p.is_relative_to(folder)]


def test_form_is_asked_of_what_people_write(paths: Paths, sources: Path) -> None:
    assert _names(kernel_checks.form(paths), sources) == ["ai_mem/main.c", "ai_mem/x.h"]


def test_style_is_asked_of_generated_headers_too(paths: Paths, sources: Path) -> None:
    found = _names(kernel_checks.style(paths), sources)
    assert found == ["ai_mem/main.c", "ai_mem/x.h", "include/uapi/codex/ai_mem.h"]


SPARSE = "  CHECK   ai_mem/main.c\n"


@pytest.mark.parametrize(
    ("said", "remarks"),
    [
        ("  CC [M]  ai_mem/main.o\n  BTF [M] ai_mem/ai_mem.ko\n", 0),
        ("ai_mem/main.c:3:1: warning: unused variable\n", 1),
        ("ai_mem/main.c:3:1: error: incompatible types\nWARNING: modpost: missing\n", 2),
    ],
)
def test_remark_of_a_compiler_is_a_failure(
    paths: Paths, tree: HostTree, sources: Path, monkeypatch: pytest.MonkeyPatch,
    said: str, remarks: int,
) -> None:  # fmt: skip
    calls = _compiles(paths, monkeypatch, SPARSE + said)
    paths.logs.mkdir()
    (paths.logs / "modules.log").write_text("x.c: warning: of another build\n")
    for _ in range(2):
        if remarks:
            with pytest.raises(BuildError, match=f"have {remarks} remark"):
                kernel_checks.compilers(paths, tree, RELEASE)
        else:
            kernel_checks.compilers(paths, tree, RELEASE)
    assert len(calls) == (2 if remarks else 1)
    assert {"W=1", "C=2"} <= set(calls[0])


def test_sparse_that_did_not_run_is_a_failure(
    paths: Paths, tree: HostTree, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's build only says so, and goes on."""
    said = "Makefile:1: C=2 specified, but sparse is not available or not up to date\n"
    _compiles(paths, monkeypatch, said)
    with pytest.raises(BuildError, match=r"sparse did not look at anything for 7\.3"):
        kernel_checks.compilers(paths, tree, RELEASE)


def test_headers_that_sparse_cannot_read_are_compiled_only(
    paths: Paths, tree: HostTree, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _headers(paths, "#define TYPEOF_UNQUAL(exp) __typeof_unqual__(exp)\n")
    calls = _compiles(paths, monkeypatch, "  CC [M]  ai_mem/main.o\n")
    kernel_checks.compilers(paths, tree, RELEASE)
    assert calls == [("W=1",)]


def test_semantic_patches_that_can_judge_by_themselves_are_applied(
    paths: Paths, tree: HostTree, sources: Path, programs: Programs
) -> None:
    folder = paths.kernel_source / "scripts/coccinelle"
    (folder / "good.cocci").write_text(PATCH)
    (folder / "unsure.cocci").write_text(PATCH.replace("High", "Low"))
    (folder / "patches.cocci").write_text(PATCH.replace("report", "patch"))
    programs.add("spatch")
    for _ in range(2):
        kernel_checks.semantic(paths, tree)
    [call] = programs.calls("spatch")
    assert "good.cocci" in call
    assert "probe" not in call.replace(str(paths.root), "")
    (sources / "ai_mem/main.c").write_text("changed")
    programs.add("spatch", "echo 'main.c:1: WARNING: do not'")
    with pytest.raises(BuildError, match="have 1 report") as error:
        kernel_checks.semantic(paths, tree)
    assert "do not" in error.value.hint


@pytest.mark.skipif(shutil.which("perl") is None, reason="perl is in the tools tree")
def test_checkpatch_of_the_kernel_finds_bad_style(paths: Paths, sources: Path) -> None:
    """With the real one, where it is unpacked: the options that we give do not silence it."""
    real = Paths.find().kernel_source / "scripts"
    if not (real / "checkpatch.pl").exists():
        pytest.skip("`make check` unpacks it")
    for name in ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch"):
        shutil.copy(real / name, paths.kernel_source / "scripts")
    header = "// SPDX-License-Identifier: GPL-2.0-only\n"
    (sources / "ai_mem/main.c").write_text(header + "int f(int a){\n    return (a);\n}\n")
    for name in ("ai_mem/x.h", "include/uapi/codex/ai_mem.h"):
        (sources / name).write_text("/* SPDX-License-Identifier: GPL-2.0-only */\n")
    words = [str(word) for word in kernel_checks.style(paths)]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    assert "OPEN_BRACE" in said
    assert "main.c:3" in said

# SPDX-License-Identifier: Apache-2.0
"""A checker that the kernel's configuration drops does not go unnoticed."""

from pathlib import Path

import pytest

from tests.kernel.sanitizer import build

FRAGMENT = "# why\nCONFIG_KASAN=y\n# CONFIG_SLUB_TINY is not set\nCONFIG_NR_CPUS=8\n"


def test_all_there() -> None:
    assert build.missing(FRAGMENT, "CONFIG_KASAN=y\nCONFIG_NR_CPUS=8\n") == []
    kept = "CONFIG_KASAN=y\n# CONFIG_SLUB_TINY is not set\nCONFIG_NR_CPUS=8\n"
    assert build.missing(FRAGMENT, kept) == []


@pytest.mark.parametrize(
    ("config", "lost"),
    [
        ("CONFIG_NR_CPUS=8\n", "CONFIG_KASAN=y"),
        ("# CONFIG_KASAN is not set\nCONFIG_NR_CPUS=8\n", "CONFIG_KASAN=y"),
        ("CONFIG_KASAN=y\nCONFIG_NR_CPUS=64\n", "CONFIG_NR_CPUS=8"),
        (
            "CONFIG_KASAN=y\nCONFIG_NR_CPUS=8\nCONFIG_SLUB_TINY=y\n",
            "# CONFIG_SLUB_TINY is not set",
        ),
    ],
)
def test_a_dropped_option_is_named(config: str, lost: str) -> None:
    assert build.missing(FRAGMENT, config) == [lost]


def test_the_checkers_are_asked_for() -> None:
    fragment = build.FRAGMENT.read_text()
    for name in (
        *("KASAN", "UBSAN", "PROVE_LOCKING", "DEBUG_ATOMIC_SLEEP", "DEBUG_KMEMLEAK"),
        *("DMA_API_DEBUG", "FAILSLAB", "FAIL_PAGE_ALLOC", "FAULT_INJECTION_DEBUG_FS"),
    ):
        assert f"\nCONFIG_{name}=y\n" in fragment


def test_without_the_source_there_is_a_sentence(tmp_path: Path) -> None:
    kernel = build.Sanitizer(tmp_path / "sanitizer", tmp_path / "source.tar.xz")
    with pytest.raises(build.SanitizerError, match="is not there"):
        kernel.ensure()

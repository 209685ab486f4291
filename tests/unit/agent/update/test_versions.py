# SPDX-License-Identifier: Apache-2.0
"""The order of versions is that of systemd (UAPI.10, and `systemd-analyze compare-versions`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.update import versions

TEXTS = st.text(alphabet="0129ab.~^-_+", max_size=8)

#: From the specification and from systemd's own tests; each one is newer than the one before.
RISING = [
    ["~", "", "1"],
    ["0.1.9", "0.1.10", "0.1.100"],
    ["1.0~rc1", "1.0~rc2", "1.0", "1.0-1", "1.0^1", "1.0.1", "1.1"],
    ["122.1", "123~rc1-1", "123", "123-a", "123-a.1", "123-1", "123-1.1", "123^post1",
     "123.a-1", "123.1-1", "123a-1", "124-1"],
    ["1.0", "1.0a", "1.0b"],
    ["0.1.152", "0.1.152.dirty", "0.1.153"],
]  # fmt: skip


@pytest.mark.parametrize("rising", RISING)
def test_rising(rising: list[str]) -> None:
    for at, older in enumerate(rising):
        for newer in rising[at + 1 :]:
            assert versions.compare(older, newer) == -1, (older, newer)
            assert versions.compare(newer, older) == 1, (older, newer)


@pytest.mark.parametrize(
    ("left", "right"), [("1", "1"), ("00123", "123"), ("1_2", "1+2"), ("1.0", "1.0+"), ("", "")]
)
def test_equal(left: str, right: str) -> None:
    assert versions.compare(left, right) == versions.compare(right, left) == 0


@given(TEXTS, TEXTS)
def test_turned_round(left: str, right: str) -> None:
    assert versions.compare(left, right) == -versions.compare(right, left)


@given(TEXTS, TEXTS, TEXTS)
def test_transitive(a: str, b: str, c: str) -> None:
    if versions.compare(a, b) <= 0 and versions.compare(b, c) <= 0:
        assert versions.compare(a, c) <= 0


def test_long_numbers_cost_nothing() -> None:
    assert versions.compare("9" * 100_000, "1" + "0" * 100_000) == -1


def test_newest() -> None:
    assert versions.newest(["0.1.9", "0.1.10", "0.1.2"]) == "0.1.10"
    assert versions.newest([]) is None


@pytest.mark.parametrize(
    "text",
    ["", "a1", ".1", "1_2", "1+2", "1/2", "1 2", "1\n", "1\0", "１", "1" * 65, "../1", "~1"],  # noqa: RUF001
)
def test_no_version_of_ours(text: str) -> None:
    assert not versions.valid(text)


def test_versions_of_the_build() -> None:
    assert versions.valid("0.1.152")
    assert versions.valid("0.1.152.dirty")

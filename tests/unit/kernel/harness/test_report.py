# SPDX-License-Identifier: Apache-2.0
"""A guest passes by what it says, never by silence."""

import pytest

from tests.kernel.harness import report

NONCE = "0123456789abcdef"
GOOD = f"ok a.loads\n# a note\nok a.works\nok a.unloads\nend {NONCE}\n"


def test_a_whole_report_passes() -> None:
    found = report.parse(GOOD, NONCE)
    assert found.ended
    assert [found.failure(case) for case in ("a.loads", "a.works", "a.unloads")] == [None] * 3
    assert found.results["a.works"].notes == ("a note",)


@pytest.mark.parametrize("end", ["", "end ", "end another", f"end {NONCE} ", f"# end {NONCE}"])
def test_without_the_nonce_it_did_not_end(end: str) -> None:
    assert not report.parse(GOOD.replace(f"end {NONCE}", end), NONCE).ended


def test_a_case_that_was_not_reported_failed() -> None:
    failure = report.parse("ok a.loads\n", NONCE).failure("a.works")
    assert failure is not None
    assert "a.loads" in failure


def test_a_failed_case_gives_its_words() -> None:
    found = report.parse("ok a.loads\n# x.c:1: wrong\nnot ok a.works\n", NONCE)
    assert found.failure("a.works") == "x.c:1: wrong"
    assert report.parse("not ok a.works\n", NONCE).failure("a.works") is not None


def test_a_case_that_is_reported_twice_failed() -> None:
    assert report.parse("ok a.works\nok a.works\n", NONCE).failure("a.works") is not None
    assert report.parse("not ok a.works\nok a.works\n", NONCE).failure("a.works") is not None


def test_a_skipped_case_has_a_reason() -> None:
    found = report.parse("# no disk\nskip a.works\n", NONCE)
    assert found.results["a.works"].skipped == "no disk"
    assert found.failure("a.works") is None


@pytest.mark.parametrize("line", ["okay a.works", "ok a", "ok a.works extra", "OK a.works", "garb"])
def test_other_lines_are_kept_as_stray(line: str) -> None:
    found = report.parse(line, NONCE)
    assert found.stray == (line,)
    assert found.results == {}

# SPDX-License-Identifier: Apache-2.0
"""Every program runs on some machine, and every machine's programs exist."""

import pytest

from tests.kernel.harness import programs, qmp, shapes


def test_machines_and_programs_fit() -> None:
    run = {name for shape in shapes.ALL for name in shape.of(sanitized=True).programs}
    assert run == set(programs.names())


@pytest.mark.parametrize("program", programs.names())
def test_cases_are_found(program: str) -> None:
    found = programs.cases(program)
    assert found[0] == programs.BEFORE
    assert found[-1] == programs.AFTER
    assert len(found) > 2


@pytest.mark.parametrize("words", ["", "quit", "unplug", "plug edu1", "unplug edu1 now"])
def test_a_guest_cannot_ask_for_anything_else(words: str) -> None:
    from pathlib import Path

    with pytest.raises(qmp.QmpError, match="not known"):
        qmp.Qmp(Path("/nowhere")).request(words)

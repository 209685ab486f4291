# SPDX-License-Identifier: Apache-2.0
"""The figures of the roles on a plain host: what is measured, and what is not made up."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builder.errors import BuildError

from tests.bench import measure, provisioned
from tests.bench.rows import provision
from tests.molecule.left import Run, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLD = Told("t", "p", "", "ansible.builtin.command", False, "ok", False)
FIRST = Run("host.yml", False, 600.0, 60.0, (replace(TOLD, changed=True),))
SECOND = Run("host.yml", False, 40.0, 20.0, (TOLD,) * 50)


class _Host:
    """Has one package more after the first run; time and processor stand still."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = list(runs)
        self.guest = SimpleNamespace(pid=1, serial_log="log")
        self.packages = [SimpleNamespace(name="codex-agent_1_amd64.deb")]
        self.scripts: list[str] = []
        self.listed = [{"less"}, {"less", "pciutils", "codex-agent"}]

    def apply(self, *, again: bool = False) -> Run:
        assert again == (len(self.runs) == 1)
        return self.runs.pop(0)

    def installed(self) -> set[str]:
        return self.listed.pop(0)

    def bring(self) -> None:
        self.scripts.append("bring")

    def shell(self, script: str) -> str:
        self.scripts.append(script)
        return ""


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[_Host]:
    made: list[_Host] = [_Host([FIRST, SECOND]), _Host([])]
    waiting = iter(made)

    @contextmanager
    def fresh(_context: Any) -> Iterator[_Host]:
        yield next(waiting)

    clock = SimpleNamespace(read=lambda: (600.0, 500.0))
    monkeypatch.setattr(provisioned, "fresh", fresh)
    monkeypatch.setattr(provision, "Stopwatch", lambda pid: clock)
    return made


def test_both_sides_are_measured_and_judged(hosts: list[_Host]) -> None:
    samples = measure.run(provision.ROW, SimpleNamespace(), 1)  # type: ignore[arg-type]
    assert samples["roles"]["second_round_trips"] == [50]
    judged = {j.goal.text(): j.met for j in measure.judge(provision.ROW.goals, samples)}
    assert judged == {
        "roles first_wall_s <= 1.3 x plain apt": True,
        "roles first_guest_cpu_s <= 1.3 x plain apt": True,
        "roles second_controller_cpu_s <= 25": True,
        "roles second_round_trips <= 60": True,
    }


def test_apt_installs_what_the_roles_brought(hosts: list[_Host]) -> None:
    measure.run(provision.ROW, SimpleNamespace(), 1)  # type: ignore[arg-type]
    brought, script = hosts[1].scripts
    assert brought == "bring"
    assert "install pciutils /var/tmp/codex-agent_1_amd64.deb\n" in script
    assert " less" not in script


def test_second_run_that_changes_something_is_no_second_run(hosts: list[_Host]) -> None:
    hosts[0].runs[1] = replace(SECOND, told=(replace(TOLD, changed=True),))
    with pytest.raises(BuildError, match="The second run changed something"):
        measure.run(provision.ROW, SimpleNamespace(), 1)  # type: ignore[arg-type]


def test_apt_is_not_measured_with_nothing_to_install() -> None:
    with pytest.raises(BuildError, match="brought no package"):
        provision.plain_apt([], ["x.deb"])

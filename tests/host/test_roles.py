# SPDX-License-Identifier: Apache-2.0
"""The host is what the roles say: applying them again would change nothing."""

import pytest
from testinfra.host import Host

from tests.support import hosts, playbook

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def recap(host: Host, delivery: str, tmp_path_factory: pytest.TempPathFactory) -> playbook.Recap:
    """Outcome of one run in check mode over the connection that Testinfra uses."""
    group = "image" if delivery == "image" else None
    variables = hosts.ansible_variables(host)
    return playbook.check(tmp_path_factory.mktemp("ansible"), "judged", variables, group)


def test_nothing_would_change(recap: playbook.Recap) -> None:
    if recap.changes:
        pytest.fail("\n\n".join(recap.changes), pytrace=False)
    assert recap.counters["changed"] == 0


def test_every_task_could_be_judged(recap: playbook.Recap) -> None:
    assert recap.counters["failures"] == 0
    assert recap.counters["unreachable"] == 0
    assert recap.counters["ok"] > 20

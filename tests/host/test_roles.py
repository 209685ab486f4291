# SPDX-License-Identifier: Apache-2.0
"""The host is what the roles say: applying them again would change nothing."""

from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support import playbook

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def recap(host: Host, delivery: str, tmp_path_factory: pytest.TempPathFactory) -> playbook.Recap:
    """Outcome of one run in check mode over the connection that Testinfra uses."""
    backend = host.backend
    variables = {"ansible_host": backend.host.name}
    if backend.ssh_config:
        variables["ansible_ssh_common_args"] = f"-F {Path(backend.ssh_config).resolve()}"
    if backend.host.user:
        variables["ansible_user"] = backend.host.user
    if backend.host.port:
        variables["ansible_port"] = backend.host.port
    if backend.ssh_identity_file:
        variables["ansible_ssh_private_key_file"] = backend.ssh_identity_file
    if backend.sudo:
        variables["ansible_become"] = "true"
    group = "image" if delivery == "image" else None
    return playbook.check(tmp_path_factory.mktemp("ansible"), "judged", variables, group)


def test_nothing_would_change(recap: playbook.Recap) -> None:
    assert recap.changes == []
    assert recap.counters["changed"] == 0


def test_every_task_could_be_judged(recap: playbook.Recap) -> None:
    assert recap.counters["failures"] == 0
    assert recap.counters["unreachable"] == 0
    assert recap.counters["ok"] > 20

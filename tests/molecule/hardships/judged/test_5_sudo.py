# SPDX-License-Identifier: Apache-2.0
"""sudo may ask for a password, as it does for the accounts of people."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.molecule.apply import apply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

# Each of them asks for the host: those that do not would come before all others.
pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("host")]

PERSON = "typist"


@pytest.fixture(scope="module")
def person(host: Host) -> Iterator[dict[str, Any]]:
    """An account of somebody whom sudo asks, as the variables with which a run works as them."""
    password = secrets.token_hex(12)
    script = (
        f"set -e; useradd --create-home --shell /bin/bash --groups sudo {PERSON}; "
        f"echo {PERSON}:{password} | chpasswd; "
        f"cp -r ~admin/.ssh ~{PERSON}/; chown -R {PERSON}: ~{PERSON}/.ssh"
    )
    host.check_output(script)
    yield {"ansible_user": PERSON, "ansible_become": True, "ansible_become_password": password}
    # The connection of the last run is still open.
    host.check_output(f"userdel --force --remove {PERSON}")


def test_nothing_is_done_without_the_password(person: dict[str, Any]) -> None:
    outcome = apply(variables={**person, "ansible_become_password": "another"})
    assert (outcome.status != 0, outcome.changed) == (True, 0)
    assert "password" in outcome.sentence.lower()


def test_a_run_with_it_changes_nothing(person: dict[str, Any]) -> None:
    outcome = apply(variables=person)
    assert (outcome.status, outcome.sentence) == (0, "")
    assert outcome.changed == 0

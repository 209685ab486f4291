# SPDX-License-Identifier: Apache-2.0
"""What the host says of its own differences from the default is what was given to it."""

import json
from typing import Any

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest


@pytest.fixture
def _image_only(expected: dict[str, Any]) -> None:
    if expected["root_file_system"] != "read-only":
        pytest.skip("differences.toml: this host has no seal and another layer")


@pytest.mark.usefixtures("_image_only")
def test_an_image_differs_by_its_credentials_only(host: Host) -> None:
    done = host.run("codex verify --json")
    found = json.loads(done.stdout)
    assert found["unread"] == []
    places = {entry["place"] for entry in found["differences"] if entry["area"] != "beside"}
    assert places == set()
    assert "credential ssh.authorized_keys.root" in {e["place"] for e in found["differences"]}
    assert (done.rc, found["answer"]) == (1, "differs")


@pytest.mark.usefixtures("_image_only")
def test_a_file_of_the_layer_is_told_and_gone_again(host: Host) -> None:
    path = "/etc/codex/probes.d/verify-test.toml"
    before = host.check_output("test -d /etc/codex/probes.d && echo yes || echo no")
    host.check_output("mkdir -p /etc/codex/probes.d && echo 'argv = [\"/bin/true\"]' >%s", path)
    try:
        said = host.run("codex verify").stdout
    finally:
        host.check_output("rm %s", path)
        if before.strip() == "no":
            host.check_output("rmdir /etc/codex/probes.d")
    assert f"{path}: a probe of this host: starts /bin/true, optional" in said
    assert path not in host.run("codex verify").stdout


@pytest.mark.usefixtures("_image_only")
def test_a_user_is_told_what_could_not_be_looked_at(host: Host) -> None:
    done = host.run("setpriv --reuid=nobody --regid=nogroup --clear-groups codex verify --json")
    found = json.loads(done.stdout)
    assert found["unread"], done.stdout
    assert found["answer"] != "no difference"
    assert done.rc in (1, 3)


@pytest.mark.usefixtures("_image_only")
def test_a_reset_is_only_shown(host: Host) -> None:
    done = host.run("codex factory-reset --dry-run --json")
    facts = json.loads(done.stdout)
    assert (done.rc, facts["asked_for"]) == (0, False)
    assert facts["partition"] in host.check_output("lsblk --noheadings --output PARTUUID")
    assert {part["size_bytes"] is None for part in facts["erased"]} == {False}


def test_nobody_can_be_asked_without_a_terminal(host: Host) -> None:
    done = host.run("codex factory-reset </dev/null")
    assert done.rc in (32, 64, 69)
    assert host.run("ls /sys/firmware/efi/efivars/CodexFactoryReset-*").rc != 0

# SPDX-License-Identifier: Apache-2.0
"""What is known of updates without privilege, and the door by which they are asked for."""

import json
import re
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import facts
from tests.support.service import Service

pytestmark = pytest.mark.guest

PLACE = "/run/codex/update.json"
DOOR = "/run/codex-update.sock"
#: Sends one line to the door and prints what comes back.
KNOCK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(120)
try:
    s.connect("/run/codex-update.sock")
except PermissionError:
    sys.exit("denied")
s.sendall(sys.argv[1].encode() + b"\\n")
s.shutdown(socket.SHUT_WR)
print(s.makefile().read())
"""


@pytest.fixture(autouse=True)
def _only_on_an_image(expected: dict[str, Any]) -> None:
    if not expected["image_identity"]:
        pytest.skip("differences.toml: only an image has slots")


def knock(host: Host, line: str) -> Any:
    """Ask as root, as the agent does, and return the answer."""
    return json.loads(host.check_output("python3 -c %s %s", KNOCK, line))


def test_everybody_may_read_how_updates_stand(host: Host) -> None:
    file = host.file(PLACE)
    assert (file.user, file.group, oct(file.mode)) == ("root", "root", oct(0o644))
    known = json.loads(host.check_output("runuser -u nobody -- cat %s", PLACE))
    release = facts.os_release(host)
    assert known["standing"]["running"] == release["IMAGE_VERSION"]


def test_it_is_what_root_is_told(host: Host, service: Service) -> None:
    host.check_output("systemctl start codex-update-status.service")
    status = facts.one_json(host, "codex update status --json")
    standing = service.get("/api/updates")["known"]["standing"]
    assert [v["version"] for v in standing["versions"]] == [
        v["version"] for v in status["versions"]
    ]
    assert [v["whole"] for v in standing["versions"]] == [v["whole"] for v in status["versions"]]
    assert (standing["boot"], standing["offered"]) == (status["boot"], status["offered"])
    assert standing["problems"] == status["problems"]


def test_the_door_is_for_the_agent_alone(host: Host) -> None:
    file = host.file(DOOR)
    assert file.is_socket
    assert (file.user, file.group, oct(file.mode)) == ("root", "codex-update", oct(0o660))
    done = host.run("runuser -u nobody -- python3 -c %s %s", KNOCK, "{}")
    assert (done.rc, done.stderr.strip()) == (1, "denied")
    members = host.check_output("getent group codex-update").split(":")[3]
    assert members == ""


@pytest.mark.parametrize("line", [
    "", "garbage", "{}", '{"action": "status"}', '{"action": "apply", "version": "../x"}',
    '{"action": "check", "source": "/tmp"}',
])  # fmt: skip
def test_what_is_not_a_request_is_refused(host: Host, line: str) -> None:
    answer = knock(host, line)
    assert (answer["accepted"], answer["exit_code"]) == (False, 64)


def test_a_refusal_fails_no_unit(host: Host) -> None:
    answer = knock(host, '{"action": "apply", "version": "999.9"}')
    assert answer["accepted"] is False
    assert answer["message"].endswith(".")
    listing = host.check_output("systemctl --failed --plain --no-legend")
    assert not re.search("codex-update", listing)


def test_the_agent_reaches_the_door(service: Service) -> None:
    """From inside of its sandbox: with the group, without the network."""
    with service.client(token=service.token) as client:
        answer = client.post("/api/updates", json={"action": "restart", "version": "999.9"})
    assert answer.status_code == 409, answer.text
    assert "999.9" in answer.json()["error"]["message"]


def test_probes_of_an_operator_have_an_account_of_their_own(host: Host) -> None:
    name, _, number, _, _, home, shell = host.check_output("getent passwd codex-probe").split(":")
    assert (name, home, shell) == ("codex-probe", "/", "/usr/sbin/nologin")
    assert 0 < int(number) < 1000
    assert host.check_output("getent shadow codex-probe").split(":")[1].startswith("!")

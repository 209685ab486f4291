# SPDX-License-Identifier: Apache-2.0
"""Remote login: keys only, strong algorithms, host keys of this host alone."""

from typing import Any

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest

#: Effective values of sshd, and why they matter.
RULES = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "pubkeyauthentication": "yes",
    "permitrootlogin": "without-password",
    "x11forwarding": "no",
    "allowagentforwarding": "no",
    "strictmodes": "yes",
    "usedns": "no",
    "hostbasedauthentication": "no",
    "gatewayports": "no",
    "permituserenvironment": "no",
}
WEAK = ("cbc", "arcfour", "3des", "sha1", "md5", "nistp", "group1-", "group14-sha1", "ssh-dss")


@pytest.fixture(scope="module")
def rules(host: Host) -> dict[str, str]:
    """Effective configuration of sshd for root."""
    lines = host.check_output("sshd -T -C user=root,host=localhost,addr=127.0.0.1").splitlines()
    return dict(line.partition(" ")[::2] for line in lines)


@pytest.mark.parametrize("name", RULES)
def test_rule(rules: dict[str, str], name: str) -> None:
    # sshd -T prints the old name of prohibit-password.
    assert rules[name].replace("prohibit-password", "without-password") == RULES[name]


@pytest.mark.parametrize("name", ["ciphers", "macs", "kexalgorithms"])
def test_no_weak_algorithm(rules: dict[str, str], name: str) -> None:
    offered = rules[name].split(",")
    assert offered
    assert [word for word in offered if any(weak in word for weak in WEAK)] == []


def test_key_exchange_resists_quantum_computers(rules: dict[str, str]) -> None:
    assert rules["kexalgorithms"].split(",")[0].startswith(("mlkem768", "sntrup761"))


def test_host_key_was_made_here(
    host: Host, rules: dict[str, str], expected: dict[str, Any]
) -> None:
    path = expected["host_key"]
    listing = host.check_output("sshd -T -C user=root,host=localhost,addr=127.0.0.1")
    assert f"hostkey {path}" in listing.splitlines()
    key = host.file(path)
    assert (key.user, key.group, key.mode) == ("root", "root", 0o600)


def test_host_key_is_the_one_shown_to_clients(host: Host, expected: dict[str, Any]) -> None:
    public = host.check_output("cat %s", expected["host_key"] + ".pub").split()[1]
    offered = host.check_output("ssh-keyscan -T 60 -t ed25519 127.0.0.1 2>/dev/null")
    assert public in offered


def test_password_login_is_refused(host: Host) -> None:
    """Seen from a client, whatever the configuration says."""
    command = (
        "ssh -o BatchMode=yes -o PreferredAuthentications=password,keyboard-interactive"
        " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=120"
        " root@127.0.0.1 true; echo status $?"
    )
    done = host.run(command)
    assert done.stdout.strip() == "status 255"
    assert "Permission denied (publickey)" in done.stderr

# SPDX-License-Identifier: Apache-2.0
"""The network as configured: links, wishes, devices, and how long is waited for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.host.reading import Unreadable
from codex_agent.probe import network
from tests.unit.agent import trees

if TYPE_CHECKING:
    from codex_agent.host.model import Check
    from tests.unit.agent.trees import Tree

DEFAULT = "/usr/lib/systemd/network/80-codex-ethernet.network"
WISH = "/etc/systemd/network/10-lan.network"


def link(
    name: str, file: str | None = DEFAULT, carrier: str = "carrier", online: str | None = "online",
    setup: str = "configured", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "Index": 2, "Name": name, "Type": "ether", "NetworkFile": file, "CarrierState": carrier,
        "OnlineState": online, "AdministrativeState": setup, "OperationalState": "routable", **more,
    }  # fmt: skip


LO = {"Index": 1, "Name": "lo", "Type": "loopback", "AdministrativeState": "unmanaged"}
DARK = {"carrier": "no-carrier", "online": "offline", "setup": "configuring"}
MUTE = {"online": "offline", "setup": "configuring"}


class Networkd:
    """Answers with one list of links after the other, the last for ever."""

    def __init__(self, tree: Tree, *answers: Any) -> None:
        self.tree = tree
        self.answers = list(answers)

    def __call__(self) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Unreadable):
            raise answer
        return answer if isinstance(answer, str) else json.dumps({"Interfaces": [LO, *answer]})

    def sleep(self, seconds: float) -> None:
        self.tree.clock.passed += seconds

    def ask(self, delivery: Any = "image") -> Check:
        return network.ask(self.tree.root, delivery, self, self.sleep)


@pytest.mark.parametrize(
    ("links", "state", "message", "waits"),
    [
        ([link("a")], "ok", "Online as configured: a.", 0),
        ([], "skipped", "This host has no link that is configured.", 0),
        ([link("a", file=None, setup="unmanaged", online=None)], "skipped",
         "This host has no link that is configured.", 0),
        # The image's own file takes any port: one that is online is enough.
        ([link("a"), link("b", **DARK)], "ok", "Online as configured: a.", 0),
        ([link("a"), link("b", **MUTE)], "ok", "Online as configured: a.", 0),
        ([link("a", **DARK), link("b", **DARK)], "degraded",
         "No configured link has a carrier: a, b.", 10),
        # An address that it made itself, while DHCP is not heard.
        ([link("a", setup="configuring")], "failed",
         "No configured link is online, although a has a carrier.", 60),
        ([link("a", file=None, setup="pending", online=None)], "degraded",
         "systemd-networkd has not taken up any link.", 10),
        ([link("a", **MUTE), link("b", **DARK)], "failed",
         "No configured link is online, although a has a carrier.", 60),
        # What somebody has asked for has to be there.
        ([link("a", WISH)], "ok", "Online as configured: a.", 0),
        ([link("a", WISH, **DARK), link("b")], "degraded",
         "A configured link is not online: a.", 10),
        ([link("a", WISH, **MUTE), link("b")], "degraded",
         "A configured link is not online: a.", 60),
        ([link("a", WISH, **MUTE, RequiredForOnline=False), link("b")], "ok",
         "Online as configured: b.", 0),
        ([link("a", WISH, **MUTE, RequiredForOnline=False)], "ok",
         "No configured link is required to be online.", 0),
        # Parts of a bond have no address of their own.
        ([link("a", WISH, carrier="enslaved", online=None), link("bond0")], "ok",
         "Online as configured: a, bond0.", 0),
        ([link("a", online=None, OperationalState="degraded")], "ok",
         "Online as configured: a.", 0),
        ([link("a", online=None, OperationalState="carrier")], "failed",
         "No configured link is online, although a has a carrier.", 60),
    ],
)  # fmt: skip
def test_links(tree: Tree, links: Any, state: str, message: str, waits: float) -> None:
    if any(entry["NetworkFile"] == WISH for entry in links):
        tree.put(WISH, "[Match]\nName=a\n")
    found = Networkd(tree, links).ask()
    assert (found.state, found.message) == (state, message)
    assert tree.clock.passed == pytest.approx(waits)
    assert (found.hint is None) == (state in ("ok", "skipped"))


def test_what_networkd_really_says() -> None:
    """One link with an address, one whose cable is out, two that nobody configured."""
    text = (Path(__file__).parent / "data" / "networkctl-257.json").read_text()
    run = "/run/systemd/network"
    assert network.parse(text) == [
        network.Link("peer0", None, "unmanaged", carrier=True, online=False, required=True),
        network.Link("veth0", f"{run}/10-a.network", "configured", True, True, True),
        network.Link("peer1", None, "unmanaged", carrier=False, online=False, required=True),
        network.Link("veth1", f"{run}/20-b.network", "configuring", False, False, True),
    ]


def test_an_address_that_comes_late_is_waited_for(tree: Tree) -> None:
    found = Networkd(tree, *[[link("a", **MUTE)]] * 20, [link("a")]).ask()
    assert found.state == "ok"
    assert tree.clock.passed == pytest.approx(20)


def test_a_wish_that_no_link_is_for(tree: Tree) -> None:
    tree.put(WISH, "[Match]\nName=nonsense\n")
    found = Networkd(tree, [link("a")]).ask()
    assert (found.state, found.message) == ("degraded", f"No link is what {WISH} is for.")


def test_masks_and_namesakes_are_no_wishes(tree: Tree) -> None:
    tree.put("/etc/systemd/network/80-codex-ethernet.network", "")
    tree.link("/etc/systemd/network/20-x.network", "/dev/null")
    tree.put("/etc/systemd/network/30-y.network", "[Match]\n")
    tree.put("/run/systemd/network/30-y.network", "[Match]\n")
    tree.put("/etc/systemd/network/40-z.netdev", "[NetDev]\n")
    assert network.wishes(tree.root) == ["/etc/systemd/network/30-y.network"]


def test_a_network_device_that_no_driver_took(tree: Tree) -> None:
    """What a version that lost the driver of the only port looks like."""
    trees.base_host(tree)
    trees.gpu(tree, "0000:02:00.0", "0x020000", "0x8086", "0x1572")
    found = Networkd(tree, []).ask()
    assert found.state == "failed"
    assert found.message == "No driver has taken the network device 0000:02:00.0."
    # Where there is another way in, a device that nobody uses is no fault.
    assert Networkd(tree, [link("a")]).ask().state == "ok"


@pytest.mark.parametrize(
    ("delivery", "absent", "state"),
    [("image", True, "failed"), ("image", False, "failed"), ("host", True, "skipped"),
     ("host", False, "skipped")],
)  # fmt: skip
def test_networkd_that_does_not_answer(tree: Tree, delivery: Any, absent: bool, state: str) -> None:
    found = Networkd(tree, Unreadable("networkctl: no", absent=absent)).ask(delivery)
    assert found.state == state


def test_networkd_that_does_not_answer_where_it_runs(tree: Tree) -> None:
    tree.put("/run/systemd/netif/state", "")
    assert Networkd(tree, Unreadable("networkctl: no")).ask("host").state == "unknown"


@pytest.mark.parametrize(
    "answer",
    ["", "x", "null", "[]", "{}", '{"Interfaces": {}}', '{"Interfaces": [7]}', "[" * 100_000,
     '{"Interfaces": [{"Name": 7}]}', '{"Interfaces": [{"Name": "\\u001b[2J"}]}',
     '{"Interfaces": [{"Name": "a", "NetworkFile": 7}]}',
     '{"Interfaces": [{"Name": "a", "RequiredForOnline": "no"}]}'],
)  # fmt: skip
def test_an_answer_that_is_none(tree: Tree, answer: str) -> None:
    found = Networkd(tree, answer).ask()
    assert found.state == "unknown"
    assert found.message.isprintable()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sleep 600", "did not end"),
        ("echo 'Failed to connect to bus' >&2; exit 1", "Failed to connect to bus"),
        ("exit 4", "status 4"),
        ("head -c 3000000 /dev/zero", "more than"),
    ],
)
def test_the_program_that_asks(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    tree.put("/networkctl", f"#!/bin/sh\n{script}\n")
    tree.path("/networkctl").chmod(0o755)
    monkeypatch.setattr(network, "PROGRAM", str(tree.path("/networkctl")))
    monkeypatch.setattr(network, "_ASK_S", 0.5)
    with pytest.raises(Unreadable, match=reason):
        network.networkd()


def test_a_host_without_networkctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PROGRAM", "/nonexistent")
    with pytest.raises(Unreadable) as caught:
        network.networkd()
    assert caught.value.absent

# SPDX-License-Identifier: Apache-2.0
"""Layers of configuration: order, provenance, and typing errors that help."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.config import inputs
from codex_agent.config.judgement import judgement
from codex_agent.config.load import DEFAULT, load
from codex_agent.config.model import KEYS, Config, build
from codex_agent.host.checks import outcome

if TYPE_CHECKING:
    from codex_agent.config.load import Loaded
    from tests.unit.agent.trees import Tree

VENDOR, HOST = "/usr/lib/codex/agent.toml", "/etc/codex/agent.toml"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPKRFNUMYQvPyc1fi1sRWgL0cZ1Ve3EwMZjvC8yJ0dQH me@host"


def loaded(tree: Tree, environment: dict[str, str] | None = None) -> Loaded:
    return load(tree.root, environment or {})


def test_defaults_are_those_of_the_model() -> None:
    assert build({name: key.default for name, key in KEYS.items()}) == Config()


def test_layers_rise(tree: Tree) -> None:
    tree.put(VENDOR, "[service]\nsample_interval_s = 1\nallowed_hosts = ['A.example']\n")
    tree.put(HOST, "[service]\nsample_interval_s = 3\n[log]\nlevel = 'debug'\n")
    tree.put("/creds/codex.agent", "[service]\nsample_interval_s = 4\n")
    tree.put("/home/me/.config/codex/agent.toml", "[service]\nsample_interval_s = 5\n")
    both = {"credentials": "/creds", "home": "/home/me"}
    expected = [
        (loaded(tree), 3.0, HOST),
        (load(tree.root, {}, credentials="/creds"), 4.0, "/creds/codex.agent"),
        (load(tree.root, {}, **both), 5.0, "/home/me/.config/codex/agent.toml"),
        (
            load(tree.root, {"CODEX_SERVICE_SAMPLE_INTERVAL_S": "6"}, **both),
            6.0,
            "environment CODEX_SERVICE_SAMPLE_INTERVAL_S",
        ),
    ]
    for found, value, place in expected:
        assert found.problems == []
        assert found.config.service.sample_interval_s == value
        assert found.places["service.sample_interval_s"] == place
        assert found.places["service.allowed_hosts"] == VENDOR
        assert found.config.service.allowed_hosts == ("a.example",)
        assert found.places["health.disk_free_percent_min"] == DEFAULT


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("[service]\nsample_intervall_s = 2\n", "service.sample_intervall_s is not known",
         "Did you mean service.sample_interval_s?"),
        ("[servise]\n", "section servise is not known", "Did you mean service?"),
        ("[zzz]\n", "section zzz is not known", "Known are: health, log, repos, service."),
        ("service = 1\n", "service must be a section", "[service]"),
        ("[service]\nsample_interval_s = '2'\n", "service.sample_interval_s is not valid",
         "from 0.5 to 60"),
        ("[service]\nsample_interval_s = true\n", "is not valid", "from 0.5 to 60"),
        ("[service]\nsample_interval_s = 0.1\n", "is not valid", "from 0.5 to 60"),
        ("[service]\nsample_interval_s = nan\n", "is not valid", "from 0.5 to 60"),
        ("[service]\nallowed_hosts = 'a'\n", "is not valid", "a list"),
        ("[service]\nallowed_hosts = ['a b']\n", "is not valid", "a list"),
        ("[health]\ndisk_free_percent_min = 101\n", "is not valid", "percentage"),
        ("[log]\nlevel = 'loud'\n", "is not valid", "debug, info, warning, error"),
        ("[service\n", "is not valid TOML", "other layers"),
        ("[log]\nlevel='info'\nlevel='info'\n", "is not valid TOML", "other layers"),
        ("\xff", "is not valid TOML", "other layers"),
        ("x = " + "9" * 5000, "is not valid TOML: a number in it is too long.", "other layers"),
        ("x = " + "[" * 3000, "is not valid TOML", "other layers"),
        ("a" * 70_000, "longer than", "Correct"),
    ],
)  # fmt: skip
def test_a_mistake_leaves_its_layer_out(tree: Tree, content: str, message: str, hint: str) -> None:
    tree.put(VENDOR, "[log]\nlevel = 'warning'\n")
    tree.put(HOST, f"{content}")
    found = loaded(tree)
    assert found.config.log.level == "warning"
    assert len(found.problems) == 1
    assert HOST in found.problems[0].message
    assert message in found.problems[0].message
    assert hint in found.problems[0].hint


def test_bytes_that_are_no_text(tree: Tree) -> None:
    tree.put(HOST, b"\xff\xfe[service]")
    assert "is not UTF-8 text" in loaded(tree).problems[0].message


def test_values_beside_a_mistake_are_not_used(tree: Tree) -> None:
    tree.put(HOST, "[log]\nlevel = 'debug'\n[service]\nsample_interval_s = 0\nx = 1\n")
    found = loaded(tree)
    assert found.config == Config()
    assert found.places["log.level"] == DEFAULT
    assert len(found.problems) == 2


@pytest.mark.parametrize("unknown", ["[service]\nx = 1\n", "[new]\nx = 1\n"])
def test_values_beside_what_only_a_newer_version_knows_are_used(tree: Tree, unknown: str) -> None:
    tree.put(HOST, f"[log]\nlevel = 'debug'\n{unknown}")
    found = loaded(tree)
    assert found.config.log.level == "debug"
    assert found.places["log.level"] == HOST
    assert len(found.problems) == 1


def test_environment(tree: Tree) -> None:
    environment = {"CODEX_SERVICE_ALLOWED_HOSTS": "a.example, b.example", "CODEX_HOME": "/x"}
    found = loaded(tree, environment)
    assert found.config.service.allowed_hosts == ("a.example", "b.example")
    assert found.problems == []
    found = loaded(tree, {"CODEX_LOG_LEVL": "debug"})
    assert found.problems[0].hint == "Did you mean CODEX_LOG_LEVEL?"
    found = loaded(tree, {"CODEX_SERVICE_SAMPLE_INTERVAL_S": "soon"})
    assert "CODEX_SERVICE_SAMPLE_INTERVAL_S" in found.problems[0].message


def test_messages_are_safe_on_a_terminal(tree: Tree) -> None:
    tree.put(HOST, '[service]\n"\\u001b[2J\\nx" = 1\n')
    problem = loaded(tree).problems[0]
    assert problem.message.isprintable()
    tree.put(HOST, f'[service]\n"{"k" * 5000}" = 1\n')
    assert len(loaded(tree).problems[0].message) <= 400


@pytest.mark.parametrize(
    "roots",
    ["['srv/git']", "['/srv/../etc']", "['/']", "['/srv/']", "'/srv'", "[1]", '["/a\\u0007"]'],
)
def test_roots_that_are_none(tree: Tree, roots: str) -> None:
    tree.put(HOST, f"[repos]\nroots = {roots}\n")
    found = loaded(tree)
    assert found.config.repos.roots == ()
    assert found.problems[0].hint.startswith("repos.roots must be a list of at most 32 whole paths")


def test_roots_from_everywhere(tree: Tree) -> None:
    tree.put(HOST, "[repos]\nroots = ['/srv/git', '/home/me/my work']\n")
    assert loaded(tree).config.repos.roots == ("/srv/git", "/home/me/my work")
    found = loaded(tree, {"CODEX_REPOS_ROOTS": "/a, /b/c"})
    assert found.config.repos.roots == ("/a", "/b/c")


def test_valid_inputs(tree: Tree) -> None:
    tree.put("/etc/codex/hostname", "box-1.example\n")
    tree.put("/etc/codex/ssh/root", f'# mine\n{KEY}\nrestrict,command="a b" {KEY}\n\n')
    tree.put("/etc/codex/network/10-a.network", "# x\n[Match]\nName=en*\n[Network]\nDHCP=yes\n")
    tree.put("/etc/codex/network/10-a.network.d/x.conf", "anything")
    tree.put("/run/credentials/@system/codex.token", "x" * 32)
    tree.put("/run/credentials/@system/ssh.authorized_keys.root", KEY)
    tree.put("/run/credentials/@system/foreign.thing", b"\xff\x00")
    assert inputs.problems(tree.root) == []


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("/etc/codex/hostname", "two words\n", "/etc/codex/hostname is not valid"),
        ("/etc/codex/hostname", "", "it is empty"),
        ("/etc/codex/hostname", "a" * 65, "longer than 64"),
        ("/etc/codex/hostname", "-x", "host name"),
        ("/etc/codex/ssh/root", "ssh-ed25519 AAAA\n", "the key in line 1 is damaged"),
        ("/etc/codex/ssh/root", KEY.replace("AAAAC3", "AAAAC4"), "damaged"),
        ("/etc/codex/ssh/root", "hello\n", "line 1 has no key"),
        ("/etc/codex/ssh/Root.pub", KEY, "not named like a user"),
        ("/etc/codex/network/a.network", "[Network]\nDHCP=yes\n", "no section [Match]"),
        ("/etc/codex/network/a.network", "DHCP=yes\n", "before the first section"),
        ("/etc/codex/network/a.network", "[Match\n", "not a section"),
        ("/etc/codex/network/a.network", "[Match]\nwhat\n", "line 2 is neither"),
        ("/run/credentials/@system/codex.token", "short", "shorter than 32"),
        ("/run/credentials/@system/codex.token", "é" * 40, "must be one word"),
        ("/run/credentials/@system/codex.tokn", "x" * 32, "codex.tokn is not known"),
        ("/run/credentials/@system/codex.agent", "[log]\nlvl=1\n", "log.lvl is not known"),
        ("/run/credentials/@system/system.hostname", "a b", "system.hostname is not valid"),
        ("/run/credentials/@system/network.network.50-x", "x", "network.network.50-x"),
    ],
)
def test_malformed_inputs_are_named(tree: Tree, path: str, content: str, words: str) -> None:
    tree.put(path, content)
    found = inputs.problems(tree.root)
    assert len(found) == 1, found
    assert words in found[0].message
    assert found[0].hint


def test_a_credential_in_two_places_is_one_problem(tree: Tree) -> None:
    tree.put("/creds/codex.token", "short")
    tree.put("/creds/server.key", "not ours to judge")
    tree.put("/run/credentials/@system/codex.token", "short")
    around = judgement(tree.root, {}, outcome("ok", "x"), credentials="/creds")
    assert len(around.problems) == 1


def test_a_broken_layer_still_gives_a_judgement(tree: Tree) -> None:
    tree.put(VENDOR, "[health]\ndisk_free_percent_min = 7\n")
    tree.put(HOST, "[health\n")
    around = judgement(tree.root, {}, outcome("ok", "x"))
    assert around.disk_free_percent_min == 7.0
    assert len(around.problems) == 1


def test_what_may_not_be_read_is_left_to_others(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.put("/etc/codex/hostname", "two words")
    real = os.open

    def denied(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("hostname"):
            raise PermissionError(13, "denied")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", denied)
    assert inputs.problems(tree.root) == []
    # A layer that cannot be read may hold anything: that is told.
    tree.put(HOST, "[log]\n")
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    assert "may not be read" in loaded(tree).problems[0].message

# SPDX-License-Identifier: Apache-2.0
"""Certificates and token: made once, renewed in time."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from codex_agent.errors import CodexError
from codex_agent.provision import files, leaf, names, token
from codex_agent.provision.run import Places, places
from tests.unit.agent.provisioned import START, assert_good, certificate, contents, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.trees import Tree


def test_first_run_makes_everything(host: Tree, where: Places) -> None:
    report = run(host, where)
    assert len(report.changes) == 3
    assert_good(where)
    modes = {
        ".": 0o755, "ca": 0o700, "agent": 0o700, "ca.crt": 0o644, "ca/ca.key": 0o600,
        "agent/server.crt": 0o600, "agent/server.key": 0o600, "agent/token": 0o600,
    }  # fmt: skip
    for name, mode in modes.items():
        assert stat.S_IMODE((where.state / name).stat().st_mode) == mode, name
    server = certificate(where.agent / "server.crt")
    found = leaf.covered(server)
    assert found.dns == ("localhost", "codex")
    assert [str(a) for a in found.addresses] == ["127.0.0.1", "::1", "10.0.2.15", "fd00::2"]
    assert server.not_valid_after_utc == START + timedelta(days=90)
    usage = server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    signer = certificate(where.ca / "ca.crt")
    constraints = signer.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert len((where.agent / "token").read_text().strip()) == 43


def test_the_modes_do_not_depend_on_the_umask(host: Tree, where: Places) -> None:
    old = os.umask(0o077)
    try:
        run(host, where)
    finally:
        os.umask(old)
    assert stat.S_IMODE(where.state.stat().st_mode) == 0o755
    assert stat.S_IMODE(where.public.stat().st_mode) == 0o644


def test_second_run_changes_nothing(host: Tree, where: Places) -> None:
    run(host, where)
    before = contents(where)
    assert run(host, where, days=59).changes == []
    assert contents(where) == before


def test_two_hosts_share_nothing(host: Tree, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        there = places(str(tmp_path / name))
        run(host, there)
        made.append(contents(there))
    for name in ("ca/ca.key", "agent/server.key", "agent/token", "ca.crt"):
        assert made[0][name] != made[1][name]


@pytest.mark.parametrize("days", [60.01, 90.5, 400])
def test_renewed_before_and_after_its_end(host: Tree, where: Places, days: float) -> None:
    run(host, where)
    before = contents(where)
    report = run(host, where, days=days)
    assert report.changes == ["made a certificate for the service: it had less than 30 days left"]
    after = contents(where)
    assert {name for name in after if after[name] != before[name]} == {"agent/server.crt"}
    assert_good(where)


def test_clock_that_was_ahead(host: Tree, where: Places) -> None:
    run(host, where, days=1000)
    assert any("not yet valid" in change for change in run(host, where).changes)
    assert certificate(where.agent / "server.crt").not_valid_before_utc < START
    assert certificate(where.ca / "ca.crt").not_valid_before_utc < START
    assert_good(where)


def test_authority_is_renewed_with_its_key(host: Tree, where: Places) -> None:
    run(host, where)
    before = contents(where)
    run(host, where, days=3650 - 100)
    after = contents(where)
    assert after["ca/ca.key"] == before["ca/ca.key"]
    assert after["ca/ca.crt"] != before["ca/ca.crt"]
    assert_good(where)
    # Who trusts the old certificate still can: the key has signed both.
    old = x509.load_pem_x509_certificate(before["ca/ca.crt"])
    certificate(where.agent / "server.crt").verify_directly_issued_by(old)


def test_new_names_renew_and_lost_ones_do_not(host: Tree, where: Places) -> None:
    run(host, where)
    before = contents(where)
    host.put("/proc/net/fib_trie", "")
    assert run(host, where).changes == []
    host.put("/proc/sys/kernel/hostname", "other\n")
    report = run(host, where)
    assert report.changes == ["made a certificate for the service: it did not name other"]
    assert contents(where)["agent/server.key"] == before["agent/server.key"]
    assert leaf.covered(certificate(where.agent / "server.crt")).dns == ("localhost", "other")


def test_a_name_that_is_no_host_name_is_left_out(host: Tree, where: Places) -> None:
    host.put("/proc/sys/kernel/hostname", "under_score\n")
    run(host, where)
    assert leaf.covered(certificate(where.agent / "server.crt")).dns == ("localhost",)


def test_given_token(host: Tree, where: Places) -> None:
    host.put("/creds/codex.token", "T" * 32 + "\n")
    report = run(host, where, credentials="/creds")
    assert "took the token from the credential codex.token" in report.changes
    assert token.load(where.token) == "T" * 32
    assert run(host, where, credentials="/creds").changes == []
    # Without the credential the host keeps what it has.
    assert run(host, where).changes == []


@pytest.mark.parametrize("value", ["short", "x" * 31, "y" * 40 + " z", "ü" * 40, "", "a" * 513])
def test_a_malformed_token_is_told_and_not_used(host: Tree, where: Places, value: str) -> None:
    host.put("/run/credentials/@system/codex.token", value)
    report = run(host, where)
    assert len(report.problems) == 1
    assert "codex.token is not used" in report.problems[0].message
    assert "32 characters" in report.problems[0].hint
    assert_good(where)
    kept = token.load(where.token)
    assert run(host, where).problems
    assert token.load(where.token) == kept


def test_a_damaged_token_is_told(host: Tree, where: Places) -> None:
    run(host, where)
    where.token.write_text("oops")
    with pytest.raises(CodexError, match="holds no token") as caught:
        run(host, where)
    assert caught.value.hint == "codex token rotate makes a new one."


def test_leftovers_are_removed(host: Tree, where: Places) -> None:
    run(host, where)
    (where.agent / ".codex-token.99").write_text("half")
    run(host, where)
    assert_good(where)


def test_the_lock_keeps_others_out(
    host: Tree, where: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(host, where)
    monkeypatch.setattr(files, "_LOCK_WAIT_S", 0.0)
    with files.lock(where.state), pytest.raises(CodexError, match="Another process holds"):
        run(host, where)
    assert run(host, where).changes == []


def test_hosts_with_many_addresses(host: Tree) -> None:
    entries = "".join(f"   |-- 10.1.{n // 250}.{n % 250}\n  /32 host LOCAL\n" for n in range(500))
    host.put("/proc/net/fib_trie", entries)
    assert len(names.current(host.root).addresses) == 66

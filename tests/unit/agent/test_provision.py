# SPDX-License-Identifier: Apache-2.0
"""Certificates and token: made once, renewed in time, whole at every moment."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from codex_agent.config import formats
from codex_agent.errors import CodexError
from codex_agent.provision import authority, files, leaf, names, token
from codex_agent.provision.run import Places, Report, places, provision
from tests.unit.agent.trees import NOW, Tree

if TYPE_CHECKING:
    from collections.abc import Callable

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.2.0/24 2 0 1
        |-- 10.0.2.0
           /24 link UNICAST
        |-- 10.0.2.15
           /32 host LOCAL
        |-- 10.0.2.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
Local:
"""
IF_INET6 = (
    "00000000000000000000000000000001 01 80 10 80       lo\n"
    "fe80000000000000505400fffe123456 02 40 20 80     eth0\n"
    "fd000000000000000000000000000002 02 40 00 80     eth0\n"
    "fd000000000000000000000000000003 02 40 00 01     eth0\n"
)
START = datetime.fromtimestamp(NOW, UTC)


@pytest.fixture
def host(tree: Tree) -> Tree:
    tree.put("/proc/sys/kernel/hostname", "Codex\n")
    tree.put("/proc/net/fib_trie", FIB_TRIE)
    tree.put("/proc/net/if_inet6", IF_INET6)
    return tree


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return places(str(tmp_path / "machine"))


def run(host: Tree, where: Places, days: float = 0, credentials: str | None = None) -> Report:
    return provision(where, host.root, credentials, START + timedelta(days=days))


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def contents(where: Places) -> dict[str, bytes]:
    return {
        str(p.relative_to(where.state)): p.read_bytes()
        for p in sorted(where.state.rglob("*"))
        if p.is_file()
    }


def assert_good(where: Places) -> None:
    """All is there, belongs together, and nothing else is left."""
    assert set(contents(where)) == {
        ".lock", "ca.crt", "ca/ca.crt", "ca/ca.key",
        "agent/server.crt", "agent/server.key", "agent/token",
    }  # fmt: skip
    signer, server = certificate(where.ca / "ca.crt"), certificate(where.agent / "server.crt")
    server.verify_directly_issued_by(signer)
    assert where.public.read_bytes() == (where.ca / "ca.crt").read_bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(where.agent / "server.crt", where.agent / "server.key")
    assert formats.token((where.agent / "token").read_text()) is None


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


class Killed(BaseException):
    """The power goes."""


STEPS = ["open", "write", "fchmod", "fsync", "rename", "mkdir", "chmod"]


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int, where: Places) -> Callable[[], int]:
    """Let the process die at the ``at``-th step that changes the disk; count them all."""
    count = 0

    def hook(real: Callable[..., Any], here: Callable[[Any], bool]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            if here(arguments):
                count += 1
                if count == at:
                    raise Killed
            return real(*arguments, **named)

        return step

    def ours(arguments: Any) -> bool:
        return str(where.state) in str(arguments[0])

    def writing(arguments: Any) -> bool:
        return ours(arguments) and bool(arguments[1] & os.O_CREAT)

    def always(_arguments: Any) -> bool:
        return True

    monkeypatch.setattr(os, "open", hook(os.open, writing))
    monkeypatch.setattr(os, "fchmod", hook(os.fchmod, always))
    monkeypatch.setattr(os, "fsync", hook(os.fsync, always))
    monkeypatch.setattr(Path, "rename", hook(Path.rename, ours))
    monkeypatch.setattr(Path, "mkdir", hook(Path.mkdir, ours))
    monkeypatch.setattr(Path, "chmod", hook(Path.chmod, ours))
    # What dies cannot clean up after itself.
    monkeypatch.setattr(Path, "unlink", hook(lambda *_: None, ours))
    return lambda: count


@pytest.mark.parametrize("days", [0, 61])
def test_killed_at_every_step(host: Tree, tmp_path: Path, days: int) -> None:
    """After any interruption the next run ends with all in order and trusts no half file."""
    at = 1
    while True:
        where = places(str(tmp_path / f"{days}-{at}"))
        if days:
            run(host, where)
        with pytest.MonkeyPatch.context() as patch:
            interrupt(patch, at, where)
            try:
                run(host, where, days=days)
                survived = True
            except Killed:
                survived = False
        if survived:
            break
        kept = (where.ca / "ca.crt").read_bytes() if (where.ca / "ca.crt").exists() else None
        run(host, where, days=days)
        assert_good(where)
        # An authority that somebody may already trust is not thrown away.
        assert kept is None or (where.ca / "ca.crt").read_bytes() == kept
        at += 1
    assert at > (20 if days == 0 else 4)


def test_full_disk_is_told_and_leaves_nothing(
    host: Tree, where: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(host, where)
    before = contents(where)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CodexError, match=r"server.crt cannot be written: no space left on device"):
        run(host, where, days=61)
    assert contents(where) == before


@pytest.mark.parametrize(
    ("name", "mode", "hint"),
    [
        ("ca/ca.key", 0o644, "chmod 0600"),
        ("agent/server.key", 0o640, "chmod 0600"),
        ("agent/token", 0o604, "chmod 0600"),
        ("ca", 0o755, "chmod 0700"),
        ("agent", 0o750, "chmod 0700"),
        (".", 0o777, "chmod 0755"),
    ],
)
def test_wrong_modes_are_refused(
    host: Tree, where: Places, name: str, mode: int, hint: str
) -> None:
    run(host, where)
    before = contents(where)
    path = where.state / name
    path.chmod(mode)
    with pytest.raises(CodexError, match=f"has mode {mode:04o}") as caught:
        run(host, where)
    assert hint in str(caught.value.hint)
    assert str(path) in caught.value.message
    assert contents(where) == before


def test_links_and_foreign_things_are_refused(host: Tree, where: Places, tmp_path: Path) -> None:
    run(host, where)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x" * 40)
    (where.agent / "token").unlink()
    (where.agent / "token").symlink_to(elsewhere)
    with pytest.raises(CodexError, match="token cannot be read"):
        run(host, where)
    assert elsewhere.read_text() == "x" * 40
    (where.agent / "token").unlink()
    (where.agent / "token").mkdir()
    with pytest.raises(CodexError, match="token"):
        run(host, where)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
@pytest.mark.parametrize("name", ["ca/ca.key", "ca/ca.crt"])
def test_a_damaged_authority_is_never_replaced(
    host: Tree, where: Places, name: str, content: bytes
) -> None:
    run(host, where)
    (where.state / name).write_bytes(content)
    before = contents(where)
    with pytest.raises(CodexError, match="is not a valid") as caught:
        run(host, where)
    assert "remove it and its pair" in str(caught.value.hint)
    assert contents(where) == before


def test_an_authority_of_another_key_is_refused(host: Tree, where: Places) -> None:
    run(host, where)
    other = authority.key_pem(authority.new_key())
    (where.ca / "ca.key").write_bytes(other)
    with pytest.raises(CodexError, match="not about the key beside it"):
        run(host, where)


@pytest.mark.parametrize("content", [b"", b"garbage", None])
@pytest.mark.parametrize("name", ["agent/server.crt", "agent/server.key"])
def test_a_damaged_leaf_is_made_anew(
    host: Tree, where: Places, name: str, content: bytes | None
) -> None:
    run(host, where)
    if content is None:
        (where.state / name).unlink()
    else:
        (where.state / name).write_bytes(content)
    assert run(host, where).changes
    assert_good(where)


def test_a_leaf_of_another_authority_is_made_anew(
    host: Tree, where: Places, tmp_path: Path
) -> None:
    run(host, where)
    other = places(str(tmp_path / "other"))
    run(host, other)
    (where.agent / "server.crt").write_bytes((other.agent / "server.crt").read_bytes())
    assert any("another" in change for change in run(host, where).changes)
    assert_good(where)


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

# SPDX-License-Identifier: Apache-2.0
"""Secrets are readable by those who need them, and stand nowhere else."""

import pytest
from testinfra.host import Host

from tests.support.service import Service

pytestmark = pytest.mark.guest

FILES = {
    "/var/lib/codex/ca": ("directory", 0o700),
    "/var/lib/codex/ca/ca.key": ("file", 0o600),
    "/var/lib/codex/agent": ("directory", 0o700),
    "/var/lib/codex/agent/server.key": ("file", 0o600),
    "/var/lib/codex/agent/server.crt": ("file", 0o600),
    "/var/lib/codex/agent/token": ("file", 0o600),
    "/var/lib/codex/ca.crt": ("file", 0o644),
}


@pytest.mark.parametrize("path", FILES)
def test_mode_and_owner(host: Host, path: str) -> None:
    kind, mode = FILES[path]
    file = host.file(path)
    assert file.is_directory if kind == "directory" else file.is_file
    assert (file.user, file.group) == ("root", "root")
    assert oct(file.mode) == oct(mode)


def test_nothing_half_written_is_left(host: Host) -> None:
    names = host.check_output("find /var/lib/codex/ca /var/lib/codex/agent -type f -printf '%f\\n'")
    assert set(names.split()) <= {"ca.key", "ca.crt", "server.key", "server.crt", "token"}


def test_token_is_strong(service: Service) -> None:
    """32 random bytes in base64url."""
    assert len(service.token) >= 43
    assert len(set(service.token)) > 12


def test_token_is_in_no_command_line_or_environment(host: Host, service: Service) -> None:
    # Read here and compared here: on the host the comparison itself would hold the token.
    for file in ("cmdline", "environ"):
        text = host.check_output(f"cat /proc/[0-9]*/{file} 2>/dev/null | tr '\\0' '\\n'; true")
        assert len(text) > 500
        assert service.token not in text


def test_token_is_not_in_the_journal(host: Host, service: Service) -> None:
    journal = host.run("journalctl --boot --all --output=export --no-pager").stdout_bytes
    assert b"codex-agent" in journal
    assert service.token.encode() not in journal


def test_token_is_not_in_readable_files(host: Host, service: Service) -> None:
    """Where programs leave things that others may read."""
    script = (
        "find /run /var /tmp -xdev -type f -perm -o=r -size -1024k -print0 2>/dev/null"
        " | xargs -0 -r cat 2>/dev/null | tr -d '\\0'; true"
    )
    found = host.run(script).stdout_bytes
    assert len(found) > 10_000
    assert service.token.encode() not in found


def test_certificate_is_issued_by_the_hosts_own_authority(host: Host) -> None:
    script = (
        "from cryptography import x509; import sys;"
        "ca, leaf = (x509.load_pem_x509_certificate(open(p, 'rb').read()) for p in sys.argv[1:]);"
        "leaf.verify_directly_issued_by(ca);"
        "assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False;"
        "assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True;"
        "print((leaf.not_valid_after_utc - leaf.not_valid_before_utc).days)"
    )
    command = f'PYTHONPATH=/usr/lib/codex-agent/lib python3 -c "{script}"'
    paths = "/var/lib/codex/ca/ca.crt /var/lib/codex/agent/server.crt"
    assert int(host.check_output(f"{command} {paths}")) <= 91

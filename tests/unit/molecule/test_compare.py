# SPDX-License-Identifier: Apache-2.0
"""Two portraits side by side: each difference is found, and only a declared one is allowed."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from builder.paths import Paths

from tests.comparison import compare, kept, portrait
from tests.comparison.compare import Allowed

if TYPE_CHECKING:
    from pathlib import Path

MEANT = [Allowed(r"status\.delivery", "an image is none of those")]


def test_same_portraits_have_no_difference() -> None:
    assert compare.differences({"a.b": "1"}, {"a.b": "1"}, []) == []


def test_declared_difference_has_its_reason() -> None:
    [found] = compare.differences({"status.delivery": "image"}, {"status.delivery": "host"}, MEANT)
    assert found.why == MEANT[0].why


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ({"sysctl.x": "1"}, {"sysctl.x": "2"}),
        ({"sysctl.x": "1"}, {}),
        ({}, {"sysctl.x": "1"}),
        ({"status.delivery.more": "1"}, {}),
    ],
)
def test_undeclared_difference_has_none(image: dict[str, str], host: dict[str, str]) -> None:
    [found] = compare.differences(image, host, MEANT)
    assert found.why == ""


def test_what_could_not_be_read_is_no_agreement_and_never_declared() -> None:
    said = "unreadable: it hangs"
    both = compare.differences({"status": said}, {"status": said}, [])
    assert [entry.key for entry in both] == ["status"]
    one = compare.differences({"status.delivery": said}, {"status.delivery": "host"}, MEANT)
    assert one[0].why == ""


def test_table_names_what_nobody_has_declared() -> None:
    found = compare.differences({"a|b": "f" * 64}, {"status.delivery": "host"}, MEANT)
    text = compare.table(found, 7)
    assert "7 things were compared; 2 differ, 1 of them without a declared reason." in text
    assert "| `a\\|b` | ffffffffffff… | (absent) | **?** |" in text
    assert "| `status.delivery` | (absent) | host | an image is none of those |" in text


def test_everything_that_is_declared_has_a_reason_and_no_entry_is_for_all() -> None:
    declared = compare.allowed()
    assert declared
    ours = ["status.verdict", "status.check.failed-units", "sysctl.kernel.dmesg_restrict",
            "sshd.passwordauthentication", "accounts.passwd.codex-agent", "exposure.codex-agent",
            "files./usr/lib/systemd/system/codex-agent.service", "units.codex-agent.service",
            "files./usr/lib/sysctl.d/60-codex.conf", "modules.ai_mem.require_admin",
            "probes.clock", "packages.codex-agent", "settings.sample_interval_s"]  # fmt: skip
    host = dict.fromkeys(ours, "other")
    found = compare.differences(dict.fromkeys(ours, "one"), host, declared)
    assert [entry.key for entry in found if entry.why] == []


def test_what_is_meant_on_one_release_is_not_on_another() -> None:
    keys = {"sshd.kexalgorithms": "one"}
    other = {"sshd.kexalgorithms": "other"}
    [here] = compare.differences(keys, other, compare.allowed(release="bookworm"))
    [there] = compare.differences(keys, other, compare.allowed(release="trixie"))
    assert (bool(here.why), bool(there.why)) == (True, False)


def test_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text("[[difference]]\nkeys = 'a'\nwhy = ''\n")
    with pytest.raises(ValueError, match="has no reason"):
        compare.allowed(path)


class _Host:
    """Answers as a shell does; ``said`` is text, or status and text, by the command's beginning."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said

    def run(self, command: str, *words: str) -> SimpleNamespace:
        line = command % words if words else command
        for start, answer in self.said.items():
            if line.strip().startswith(start):
                status, text = answer if isinstance(answer, tuple) else (0, answer)
                return SimpleNamespace(rc=status, stdout=text, stderr="")
        return SimpleNamespace(rc=127, stdout="", stderr="not found")

    def check_output(self, command: str, *words: str) -> str:
        done = self.run(command, *words)
        assert done.rc == 0, f"{command} ended with {done.rc}"
        return str(done.stdout).rstrip("\n")


def _area(name: str, said: dict[str, Any]) -> dict[str, str]:
    area = getattr(portrait, name)
    return dict(area(_Host(said)))


def test_answer_and_exit_status_of_verify_are_compared() -> None:
    report = {"answer": "differs", "unread": [], "differences": [
        {"area": "seal", "place": "dm-verity", "kind": "changed", "message": "m"}]}  # fmt: skip
    found = _area("verify", {"codex verify": (1, json.dumps(report))})
    assert found == {"answer": "differs, exit status 1", "unread": "[]",
                     "difference.seal.dm-verity": "changed"}  # fmt: skip


def test_every_probe_is_compared_with_its_weight() -> None:
    results = {"results": [{"name": "clock", "state": "ok", "gates": False}]}
    assert _area("probes", {"codex probe": json.dumps(results)}) == {"clock": "ok, gates: false"}


def test_only_settings_of_the_roles_are_compared() -> None:
    said = {"sed": "kernel.panic\nvm.max_map_count\n",
            "sysctl --ignore kernel.panic vm.max_map_count":
            "kernel.panic = 10\nvm.max_map_count = 1048576\n"}  # fmt: skip
    assert _area("sysctl", said) == {"kernel.panic": "10", "vm.max_map_count": "1048576"}


def test_packages_that_are_only_known_are_not_there() -> None:
    said = {"dpkg-query": "ii  less\nrc  kmod\nii  codex-agent\n"}
    found = _area("packages", said)
    assert (found["less"], found["kmod"]) == ("installed", "not installed")
    assert found["codex-agent"] == "installed"


def test_units_are_well_unless_they_failed() -> None:
    said = {"systemctl list-unit-files": "codex-a.service enabled\ncodex-b@.service static -\n"
            "other.service enabled\n", "systemctl is-active": (3, "failed\n")}  # fmt: skip
    assert _area("units", said) == {"codex-a.service": "enabled, failed",
                                    "codex-b@.service": "static, well"}  # fmt: skip


def test_files_are_told_with_rights_and_content() -> None:
    line = "-rw-r--r-- root:root abc /usr/lib/codex/agent.toml"
    found = _area("files", {"find": line})
    assert found == {"/usr/lib/codex/agent.toml": "-rw-r--r-- root:root abc"}


def test_area_that_cannot_be_read_is_told_as_such() -> None:
    found = portrait.take(_Host({}))
    assert found["sshd"].startswith("unreadable: ")
    assert found["verify"].startswith("unreadable: ")


def test_portrait_of_another_version_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = SimpleNamespace(build=tmp_path, latest_version=lambda: "0.1.1")
    monkeypatch.setattr(Paths, "find", lambda: latest)
    kept.write("image", {"a": "b"})
    assert kept.read("image") == {"a": "b"}
    latest.latest_version = lambda: "0.1.2"
    with pytest.raises(LookupError, match="no portrait of the image of this version"):
        kept.read("image")

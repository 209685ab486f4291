# SPDX-License-Identifier: Apache-2.0
"""What cannot work is refused with one sentence, before anything is changed."""

from __future__ import annotations

import pytest

from tests.unit.roles.apply import Case, Outcome, apply, needs_ansible, needs_root

pytestmark = [needs_ansible, needs_root]

TRIXIE = 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION="13 (trixie)"\n'
BOOKWORM = 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\n'
BULLSEYE = 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="11"\nVERSION="11 (bullseye)"\n'
NOBLE = 'ID=ubuntu\nNAME="Ubuntu"\nVERSION_ID="24.04"\nVERSION="24.04 LTS (Noble Numbat)"\n'
ORACULAR = 'ID=ubuntu\nNAME="Ubuntu"\nVERSION_ID="24.10"\nVERSION="24.10 (Oracular Oriole)"\n'
FEDORA = 'ID=fedora\nNAME="Fedora Linux"\nVERSION_ID="42"\nVERSION="42 (Server)"\n'
UNKNOWN = "the roles support Debian 12 and 13. Nothing was changed."

# Name of the case: the system, and a piece of the sentence that refuses it.
CASES: dict[str, tuple[Case, str]] = {
    "bullseye": (Case(BULLSEYE), f"bullseye runs Debian 11; {UNKNOWN}"),
    "noble": (Case(NOBLE), "noble runs Ubuntu 24.04, on which nobody tried the roles; set"),
    # Its files of variables are read then, and the next question is one like on any system.
    "noble-all-the-same": (
        Case(NOBLE, {"preflight_untested": True}),
        "noble-all-the-same has no codex-agent: give the path of the package",
    ),
    "between": (Case(ORACULAR, {"preflight_untested": True}), f"runs Ubuntu 24.10; {UNKNOWN}"),
    "fedora": (Case(FEDORA), f"fedora runs Fedora Linux 42; {UNKNOWN}"),
    "no-boolean": (Case(TRIXIE, {"host_base_time_sync": "perhaps"}), "host_base_time_sync"),
    "no-dictionary": (Case(TRIXIE, {"host_base_sysctl": 3}), "host_base_sysctl"),
    # Of the second role: found before the first one has changed anything.
    "no-number": (
        Case(TRIXIE, {"codex_agent_sample_interval_s": "often"}),
        "codex_agent_sample_interval_s",
    ),
    "no-choice": (Case(TRIXIE, {"codex_agent_log_level": "loud"}), "codex_agent_log_level"),
    "interval": (
        Case(TRIXIE, {"codex_agent_sample_interval_s": 0.1}),
        "is 0.1; it has to be 0.5 to 60 seconds. Nothing was changed.",
    ),
    "no-address": (Case(TRIXIE, {"codex_agent_listen": "3030"}), "3030, which is not ADDRESS:PORT"),
    "no-port": (
        Case(TRIXIE, {"codex_agent_listen": "127.0.0.1:70000"}),
        "127.0.0.1:70000, which is not ADDRESS:PORT",
    ),
    "modules-name": (
        Case(TRIXIE, {"kernel_modules_package": "/nowhere/linux-image_1_amd64.deb"}),
        "linux-image_1_amd64.deb, which is called neither codex-kernel-dkms_VERSION_all.deb",
    ),
    "modules-lost": (
        Case(TRIXIE, {"kernel_modules_package": "/nowhere/codex-kernel-dkms_1_all.deb"}),
        "/nowhere/codex-kernel-dkms_1_all.deb, and there is no such file",
    ),
    "modules-old-system": (
        Case(BOOKWORM, {"kernel_modules_package": "/nowhere/codex-kernel-dkms_1_all.deb"}),
        "runs Debian 12, whose kernels are older than 6.12",
    ),
    "modules-pool": (
        Case(TRIXIE, {"kernel_modules_pool_mib": 0}),
        "A number is below its least: kernel_modules_pool_mib",
    ),
    "modules-version": (
        Case(TRIXIE, {"kernel_modules_version": "9.9"}),
        "modules-version does not have the kernel modules 9.9: give the path of their package",
    ),
    "no-package": (Case(TRIXIE), "no-package has no codex-agent: give the path of the package"),
    "lost-package": (
        Case(TRIXIE, {"codex_agent_package": "/nowhere/codex-agent_1.0_amd64.deb"}),
        "/nowhere/codex-agent_1.0_amd64.deb, and there is no such file",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All cases in one run of Ansible: it is slow to start."""
    cases = {name: case for name, (case, _) in CASES.items()}
    return apply(tmp_path_factory.mktemp("refusals"), cases, "install,configure")


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_is_refused_before_a_change(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert CASES[name][1] in outcome.message
    assert outcome.counters["failures"] == 1
    assert outcome.counters["changed"] == 0
    assert outcome.untouched


def test_another_architecture_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("architecture")
    outcome = apply(folder, {"old": Case(TRIXIE)}, "install,configure", machine="i686")["old"]
    assert "machine; the roles support x86_64. Nothing was changed." in outcome.message
    assert outcome.counters["changed"] == 0
    assert outcome.untouched


def test_installing_alone_does_not_need_the_package(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The image build installs first, in a step that is kept while the agent changes."""
    folder = tmp_path_factory.mktemp("install")
    case = Case(TRIXIE, {"host_base_packages": [], "host_base_time_sync": False})
    outcome = apply(folder, {"tree": case}, "install")["tree"]
    assert outcome.message == ""
    assert outcome.counters["failures"] == 0
    assert outcome.untouched

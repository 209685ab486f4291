# SPDX-License-Identifier: Apache-2.0
"""The DKMS package on a plain Debian host: builds, loads, works, and removal leaves nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: DKMS makes a key of its own at its first build of any package, and keeps it for the next.
OF_DKMS = {"/var/lib/dkms/mok.key", "/var/lib/dkms/mok.pub"}
#: Copies that the programs for accounts keep of the state before their last change.
BACKUPS = {"/etc/group-", "/etc/gshadow-"}


def test_it_installs_without_a_network(installed: Mapping[str, Any]) -> None:
    assert installed["install"]["status"] == 0, installed["install"]["output"]


def test_dkms_built_it_for_both_kernels(
    installed: Mapping[str, Any], releases: list[str], package: Path
) -> None:
    version = package.name.split("_")[1]
    wanted = {f"codex-kernel/{version}, {release}, x86_64: installed" for release in releases}
    assert set(installed["status"]["output"].splitlines()) == wanted


def test_each_boot_had_its_kernel(
    installed: Mapping[str, Any], removed: Mapping[str, Any], releases: list[str]
) -> None:
    assert [installed["kernel"], removed["kernel"]] == releases


def test_pool_loads_by_name(installed: Mapping[str, Any]) -> None:
    assert installed["load"]["status"] == 0, installed["load"]["output"]


def test_both_modules_run_also_after_the_next_boot(either: Mapping[str, Any]) -> None:
    """In the second boot nothing loads them but modules-load and the device's alias."""
    loaded = {line.split()[0] for line in either["texts"]["/proc/modules"].splitlines()}
    assert {"ai_mem", "ai_gpu"} <= loaded
    assert either["texts"]["/proc/ai_memory"]
    assert either["texts"]["/proc/ai_gpu"]


def test_unit_that_loads_modules_did_not_fail(removed: Mapping[str, Any]) -> None:
    assert removed["unit"]["status"] != 0, removed["unit"]["output"]


def test_nodes_are_for_the_group(either: Mapping[str, Any]) -> None:
    assert either["nodes"] == {"ai_mem": "660 codex", "ai_gpu0": "660 codex"}


def test_request_goes_all_the_way_without_a_copy(either: Mapping[str, Any]) -> None:
    assert either["request"]["status"] == 0, either["request"]["output"]
    said = json.loads(either["request"]["output"])
    assert [check for check in said["checks"] if check["passed"] is not True] == []
    assert said["backend"] == "ai_mem"
    assert said["explicit_copied_bytes"] + said["bounced_bytes"] == 0


def test_kernel_warned_of_nothing(removed: Mapping[str, Any]) -> None:
    lines = removed["dmesg"]["output"].splitlines()
    ours = [line for line in lines if re.search(r"ai_(mem|gpu)|WARNING|BUG|Call Trace", line)]
    allowed = re.compile(r"loading out-of-tree module taints kernel|module verification failed")
    assert [line for line in ours if not allowed.search(line)] == []


def test_removal_in_use_says_what_stays(removed: Mapping[str, Any]) -> None:
    assert removed["purge"]["status"] == 0, removed["purge"]["output"]
    assert "ai_mem is in use and stays loaded until the next boot" in removed["purge"]["output"]
    loaded = {line.split()[0] for line in removed["texts after"]["/proc/modules"].splitlines()}
    assert "ai_gpu" not in loaded
    assert "ai_mem" in loaded
    assert removed["unload"]["status"] == 0, removed["unload"]["output"]


def test_removal_leaves_nothing(installed: Mapping[str, Any], removed: Mapping[str, Any]) -> None:
    before, after = installed["before"], removed["after"]
    assert set(after) - set(before) - OF_DKMS - BACKUPS == set()
    assert set(before) - set(after) == set()
    changed = {path for path in before if path in after and before[path] != after[path]}
    assert changed - BACKUPS == set()
    assert removed["status"]["output"].strip() == ""
    assert removed["database"]["status"] != 0


def test_listing_would_show_what_is_left(installed: Mapping[str, Any]) -> None:
    """The control: the listing covers the places that the package writes to."""
    for place in ("/usr/src", "/usr/lib/modules", "/usr/lib/udev/rules.d", "/var/lib/dkms", "/etc"):
        assert place in installed["before"]
    assert any(path.endswith("/modules.dep.bin") for path in installed["before"])
    assert "/etc/group" in installed["before"]

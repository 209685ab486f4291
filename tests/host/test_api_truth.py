# SPDX-License-Identifier: Apache-2.0
"""Every figure of /api/host is what the host's own shell says."""

import json
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import facts
from tests.support.service import Service

pytestmark = pytest.mark.guest

_DISPLAY, _ACCELERATOR = "0x03", "0x12"


def test_identity(host: Host, snapshot: Any, delivery: str) -> None:
    release = facts.os_release(host)
    assert snapshot["delivery"] == delivery
    if delivery == "image":
        assert snapshot["image"] == {
            "id": release["IMAGE_ID"],
            "version": release["IMAGE_VERSION"],
            "flavour": release["VARIANT_ID"],
            "commit": release["CODEX_COMMIT"],
        }
    else:
        assert snapshot["image"] is None


def test_names(host: Host, snapshot: Any) -> None:
    assert snapshot["hostname"] == host.check_output("cat /proc/sys/kernel/hostname")
    assert snapshot["boot_id"] == host.check_output("cat /proc/sys/kernel/random/boot_id")


def test_kernel(host: Host, snapshot: Any) -> None:
    kernel = snapshot["kernel"]
    assert kernel["release"] == host.check_output("uname -r")
    assert kernel["version"] == host.check_output("uname -v")
    assert kernel["taint"] == int(host.check_output("cat /proc/sys/kernel/tainted"))
    enforced = host.run("cat /sys/module/module/parameters/sig_enforce").stdout.strip()
    lockdown = host.check_output("cat /sys/kernel/security/lockdown")
    if kernel["modules_signed_enforced"] is not None:
        # Lockdown demands signatures too, whatever the parameter says.
        assert kernel["modules_signed_enforced"] == (enforced == "Y" or "[none]" not in lockdown)


def test_machine(host: Host, snapshot: Any) -> None:
    for value, file in (
        (snapshot["machine"]["vendor"], "sys_vendor"),
        (snapshot["machine"]["product"], "product_name"),
        (snapshot["firmware"]["vendor"], "bios_vendor"),
        (snapshot["firmware"]["version"], "bios_version"),
    ):
        told = host.run("cat %s", f"/sys/class/dmi/id/{file}")
        assert value == (told.stdout.strip() or None), file
    assert snapshot["machine"]["virtualization"] == host.run("systemd-detect-virt").stdout.strip()


def test_processors(host: Host, snapshot: Any) -> None:
    assert snapshot["cpu"]["count"] == int(host.check_output("nproc --all"))
    assert len(snapshot["cpu"]["load"]) == 3
    assert all(value >= 0 for value in snapshot["cpu"]["load"])


def test_memory(host: Host, snapshot: Any) -> None:
    told = int(host.check_output("grep ^MemTotal: /proc/meminfo").split()[1]) * 1024
    assert snapshot["memory"]["total_bytes"] == told
    assert 0 < snapshot["memory"]["available_bytes"] < told


@pytest.mark.parametrize("resource", ["cpu", "memory", "io"])
def test_pressure(host: Host, snapshot: Any, resource: str) -> None:
    told = host.check_output("cat %s", f"/proc/pressure/{resource}")
    kinds = {line.split()[0] for line in told.splitlines()}
    shown = snapshot[resource]["pressure"]
    assert {kind for kind in ("some", "full") if shown[kind] is not None} <= kinds
    for shares in (shown["some"], shown["full"]):
        if shares is not None:
            assert set(shares) == {"avg10", "avg60", "avg300"}
            assert all(0 <= share <= 100 for share in shares.values())


def test_disks(host: Host, snapshot: Any) -> None:
    listing = facts.one_json(
        host, "lsblk --json --bytes --nodeps --output NAME,TYPE,SIZE,ROTA,RO,MODEL"
    )
    told = {entry["name"]: entry for entry in listing["blockdevices"] if entry["type"] == "disk"}
    shown = {disk["name"]: disk for disk in snapshot["disks"]}
    assert set(shown) == set(told)
    for name, disk in shown.items():
        assert disk["size_bytes"] == told[name]["size"]
        assert disk["rotational"] == told[name]["rota"]
        assert disk["read_only"] == told[name]["ro"]


def test_filesystems(host: Host, snapshot: Any) -> None:
    for entry in snapshot["filesystems"]:
        told = facts.one_json(
            host,
            f"findmnt --json --bytes --output FSTYPE,OPTIONS,SIZE --mountpoint {entry['mount']}",
        )["filesystems"][-1]
        assert entry["type"] == told["fstype"]
        assert entry["read_only"] == ("ro" in told["options"].split(","))
        # A file system that is mounted on demand is not asked; its null has a reason (see below).
        if entry["total_bytes"] is not None:
            assert entry["total_bytes"] == told["size"]
            assert 0 <= entry["available_bytes"] <= told["size"]
    mounts = {entry["mount"] for entry in snapshot["filesystems"]}
    assert {"/"} <= mounts


def test_pci_functions(host: Host, snapshot: Any) -> None:
    """Display controllers and accelerators; QEMU's machine has at least one display controller."""
    script = (
        "for d in /sys/bus/pci/devices/*; do"
        " printf '%s|' ${d##*/} $(cat $d/class $d/vendor $d/device)"
        " $(basename $(readlink $d/driver || echo /none)) $(cat $d/numa_node)"
        ' "$(cat $d/current_link_width 2>/dev/null)" "$(cat $d/max_link_width 2>/dev/null)";'
        " echo; done"
    )
    told = {}
    for line in host.check_output(script).splitlines():
        address, kind, vendor, device, driver, node, width, width_max, *_ = line.split("|")
        if kind.startswith((_DISPLAY, _ACCELERATOR)):
            told[address] = (vendor, device, driver, node, width, width_max)
    shown = {function["address"]: function for function in snapshot["pci"]}
    assert set(shown) == set(told)
    for address, function in shown.items():
        vendor, device, driver, node, width, width_max = told[address]
        assert function["vendor_id"] == vendor.removeprefix("0x")
        assert function["device_id"] == device.removeprefix("0x")
        assert function["driver"] == (None if driver == "none" else driver)
        assert function["numa_node"] == (int(node) if int(node) >= 0 else None)
        for key, text in (("link_width", width), ("link_width_max", width_max)):
            # The kernel shows 0 or 255 where there is no link.
            assert function[key] == (int(text) if text not in {"", "0", "255"} else None), key


def test_failed_units(host: Host, snapshot: Any) -> None:
    told = host.check_output("systemctl --failed --plain --no-legend").splitlines()
    assert sorted(snapshot["units"]["failed"]) == sorted(line.split()[0] for line in told)


def test_uptime_runs(host: Host, service: Service) -> None:
    first = service.get("/api/host")
    between = float(host.check_output("cat /proc/uptime").split()[0])
    second = service.get("/api/host")
    after = float(host.check_output("cat /proc/uptime").split()[0])
    assert first["uptime_s"] <= between
    assert first["uptime_s"] <= second["uptime_s"] <= after


def test_slot(host: Host, snapshot: Any, delivery: str) -> None:
    if delivery != "image":
        assert snapshot["slot"] is None
        return
    device = host.check_output("lsblk --noheadings --raw --inverse --output NAME /dev/mapper/root")
    roots = facts.one_json(host, "lsblk --json --list --output NAME,PARTTYPE,PARTN")["blockdevices"]
    numbers = sorted(
        (int(entry["partn"]), entry["name"])
        for entry in roots
        if entry["parttype"] == "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
    )
    used = [index for index, (_, name) in enumerate(numbers) if name in device.split()]
    assert [snapshot["slot"]] == ["AB"[index] for index in used]


def test_every_missing_value_has_a_reason(snapshot: Any) -> None:
    readings = snapshot["readings"]
    body = {key: value for key, value in snapshot.items() if key not in {"readings", "verdict"}}
    without = [path for path in _missing(body, "") if not _reason(readings, path)]
    assert without == []


def test_every_value_has_a_source_and_an_age(snapshot: Any) -> None:
    for name in snapshot:
        if name in {"schema", "taken_at", "verdict", "readings"}:
            continue
        entries = [
            entry
            for path, entry in snapshot["readings"].items()
            if path == name or path.startswith(name + ".")
        ]
        # A list that is empty, such as PCI functions, has one entry of its own.
        assert entries, f"nothing says where {name} comes from"
        assert all(entry["source"] and entry["age_ms"] >= 0 for entry in entries)


def test_verdict_follows_from_its_checks(snapshot: Any) -> None:
    states = [check["state"] for check in snapshot["verdict"]["checks"]]
    assert set(states) <= {"ok", "degraded", "failed", "unknown", "skipped"}
    if snapshot["verdict"]["state"] == "healthy":
        assert set(states) <= {"ok", "skipped"}
    assert all(check["message"].endswith(".") for check in snapshot["verdict"]["checks"])


def test_command_line_gives_the_same(host: Host, snapshot: Any) -> None:
    """The tool and the service read the host independently; what does not move must agree."""
    told = json.loads(host.run("codex status --json").stdout)
    for name in ("schema", "hostname", "delivery", "image", "slot", "secure_boot", "lockdown",
                 "kernel", "firmware", "machine", "boot_id", "disks", "pci", "units"):  # fmt: skip
        assert told[name] == snapshot[name], name
    assert told["verity"]["state"] == snapshot["verity"]["state"]
    assert told["verdict"]["state"] == snapshot["verdict"]["state"]


def _missing(value: Any, path: str) -> list[str]:
    """Dotted paths of all nulls; elements of lists are named by address, mount or name."""
    if value is None:
        return [path]
    found: list[str] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _missing(inner, f"{path}.{key}" if path else key)
    if isinstance(value, list):
        for index, inner in enumerate(value):
            names = inner if isinstance(inner, dict) else {}
            name = next((names[key] for key in ("address", "mount", "name") if key in names), index)
            found += _missing(inner, f"{path}.{name}")
    return found


def _reason(readings: Any, path: str) -> str | None:
    """Reason of the value at ``path`` or of the nearest thing around it that was read as one."""
    while path:
        if path in readings:
            reason: str | None = readings[path]["reason"]
            return reason
        path = path.rpartition(".")[0]
    return None

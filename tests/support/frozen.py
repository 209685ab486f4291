# SPDX-License-Identifier: Apache-2.0
"""A snapshot of the host whose changing figures stand still, for pictures of the page.

Structure, states and reasons are those of the real host; only what differs from one build, boot or
second to the next is replaced.
"""

import copy
from typing import Any

#: Dotted path to the value that the picture shows; a part that is null stays null.
VALUES: dict[str, Any] = {
    "taken_at": "2026-01-01T00:00:00Z",
    "hostname": "codex",
    "image.version": "0.1.0",
    "image.commit": "0" * 40,
    "verity.root_hash": "5a" * 32,
    "kernel.release": "7.3.4+deb13-amd64",
    "kernel.version": "#1 SMP PREEMPT_DYNAMIC Debian 7.3.4-1~bpo13+1 (2026-01-01)",
    "firmware.version": "2025.02-8+deb13u1",
    "machine.virtualization": "qemu",
    "uptime_s": 3600.0,
    "boot_id": "00000000-0000-4000-8000-000000000000",
    "cpu.count": 2,
    "cpu.load": [0.25, 0.2, 0.15],
    "memory.total_bytes": 2_000_000_000,
    "memory.available_bytes": 1_500_000_000,
}
_SHARES = {"avg10": 1.0, "avg60": 0.5, "avg300": 0.1}
_AGE_MS = 500


#: Figures of the memory pool and of a device, where a picture shows one.
_POOL = {
    "allocated_bytes": 64 << 20,
    "filled_bytes": 128 << 20,
    "peak_bytes": 96 << 20,
    "orphaned_bytes": 0,
    "owner_count": 2,
    "exports": 1,
    "nodes": [{"node": 0, "filled_bytes": 128 << 20, "allocated_bytes": 64 << 20}],
    "owners": [
        {"pid": 977, "uid": 0, "bytes": 48 << 20, "cgroup": "/system.slice/inference.service"},
        {"pid": 4211, "uid": 0, "bytes": 16 << 20, "cgroup": "/user.slice/run-1.scope"},
    ],
}
_DEVICE = {
    "mapped_bytes": 1 << 20, "transfers_to": 3, "transfers_from": 1, "bytes_to": 12288,
    "bytes_from": 4096, "launches": 2, "interrupts": 6, "bounced_bytes": 0, "timeouts": 0,
    "resets": 0, "queued": 0,
}  # fmt: skip


def _version(version: str, **changes: Any) -> dict[str, Any]:
    return {
        "version": version, "standing": "good", "tries_left": None, "running": False,
        "starts_next": False, "whole": True, "given_up": None, **changes,
    }  # fmt: skip


#: How updates stand in a picture: nothing of it is the host's, so that none has to be prepared.
UPDATES: dict[str, Any] = {
    "known": {
        "schema": 1, "written_at": "2026-01-01T00:00:00+00:00", "monotonic_s": 3599.5,
        "standing": {
            "monotonic_s": 3599.5, "running": "0.1.0", "boot": "blessed", "boot_reason": None,
            "versions": [
                _version("0.0.9"), _version("0.1.0", running=True, starts_next=True),
            ],
            "begun": None, "offered": "0.1.1", "checked_at": "2026-01-01T00:00:00+00:00",
            "given_up": {},
            "policy": {"mode": "notify", "source": "https://updates.example/codex-os",
                       "window": None, "page": True, "drains": False},
            "problems": [],
        },
        "work": None,
        "ended": {
            "action": "check", "by": "page", "at": "2026-01-01T00:00:00+00:00", "good": True,
            "message": "Version 0.1.1 is offered.", "hint": None, "exit_code": 0,
        },
        "offered": {
            "at": "2026-01-01T00:00:00+00:00", "running": "0.1.0", "version": "0.1.1",
            "newer": True, "built_at": "2026-01-01T00:00:00Z", "kernel": "7.3.4+deb13-amd64",
            "key": "0123456789ABCDEF0123456789ABCDEF01234567", "whole_bytes": 230_000_000,
            "versions": ["0.1.1"], "refused": None,
            "changes": [
                {"package": "codex-agent", "before": "0.1.0+deb13", "after": "0.1.1+deb13"},
                {"package": "libssl3t64", "before": "3.5.4-1~deb13u2", "after": "3.5.4-1~deb13u3"},
            ],
            "left_out": 0,
        },
    },
    "reason": None, "source": "/run/codex/update.json", "monotonic_s": 3600.0, "silent": False,
    "closed": None,
}  # fmt: skip


def _freeze_services(services: dict[str, Any]) -> None:
    if services["memory"] is not None:
        services["memory"].update(_POOL)
    for device in (services["gpu"] or {"devices": []})["devices"]:
        device.update(_DEVICE)


def frozen(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of ``snapshot`` in which everything that changes by itself is fixed."""
    still = copy.deepcopy(snapshot)
    for path, value in VALUES.items():
        *parents, last = path.split(".")
        place: dict[str, Any] | None = still
        for name in parents:
            place = place[name] if place is not None else None
        if place is not None and place[last] is not None:
            place[last] = value
    for resource in ("cpu", "memory", "io"):
        pressure = still[resource]["pressure"]
        for kind in ("some", "full"):
            if pressure and pressure[kind] is not None:
                pressure[kind] = dict(_SHARES)
    # Others are mounted on demand: whether they show depends on what ran before.
    still["filesystems"] = [
        entry for entry in still["filesystems"] or [] if entry["mount"] in {"/", "/var"}
    ]
    for file_system in still["filesystems"]:
        file_system["total_bytes"] = 10_000_000_000
        file_system["available_bytes"] = 8_000_000_000
    _freeze_services(still["services"])
    # Of owners that were there at that moment.
    for path in [path for path in still["readings"] if path.startswith("services.memory.owners.")]:
        del still["readings"][path]
    for reading in still["readings"].values():
        reading["age_ms"] = _AGE_MS
    return still

# SPDX-License-Identifier: Apache-2.0
"""The snapshot for pictures: what moves is fixed, what is said stays."""

from typing import Any

from tests.support import frozen


def _snapshot() -> dict[str, Any]:
    pressure = {"some": {"avg10": 7.0, "avg60": 7.0, "avg300": 7.0}, "full": None}
    return {
        "taken_at": "x", "hostname": "somebody", "image": None, "uptime_s": 1.5, "boot_id": "x",
        "verity": {"state": "corrupted", "root_hash": None},
        "kernel": {"release": "x", "version": "x"}, "firmware": {"version": "x"},
        "machine": {"virtualization": "kvm"},
        "cpu": {"count": 64, "load": [9.0, 9.0, 9.0], "pressure": pressure},
        "memory": {"total_bytes": 1, "available_bytes": 1, "pressure": None},
        "io": {"pressure": None},
        "filesystems": [{"mount": "/boot"}, {"mount": "/", "total_bytes": 1, "available_bytes": 1}],
        "services": {"scheduler": None, "tracing": None, "memory": {"pool_bytes": 5, "exports": 9},
                     "gpu": {"devices": [{"active": False, "launches": 7}], "observed": []}},
        "readings": {"uptime_s": {"source": "s", "age_ms": 12345, "reason": None}},
    }  # fmt: skip


def test_two_moments_give_the_same_picture() -> None:
    later = _snapshot()
    later["uptime_s"] = 99.0
    later["services"]["memory"]["exports"] = 1
    later["services"]["gpu"]["devices"][0]["launches"] = 8
    later["readings"]["services.memory.owners.3.uid"] = {"source": "s", "age_ms": 1, "reason": "x"}
    later["cpu"]["pressure"]["some"]["avg10"] = 50.0
    later["readings"]["uptime_s"]["age_ms"] = 1
    assert frozen.frozen(later) == frozen.frozen(_snapshot())


def test_states_and_missing_values_stay() -> None:
    still = frozen.frozen(_snapshot())
    assert still["verity"] == {"state": "corrupted", "root_hash": None}
    assert still["image"] is None
    assert still["memory"]["pressure"] is None
    assert still["cpu"]["pressure"]["full"] is None
    assert still["services"]["memory"]["pool_bytes"] == 5
    assert still["services"]["gpu"]["devices"][0]["active"] is False
    gone = _snapshot()
    gone["services"].update(memory=None, gpu=None)
    assert frozen.frozen(gone)["services"] == gone["services"]
    assert [entry["mount"] for entry in still["filesystems"]] == ["/"]


def test_the_original_is_left_alone() -> None:
    snapshot = _snapshot()
    frozen.frozen(snapshot)
    assert snapshot == _snapshot()

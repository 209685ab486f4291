# SPDX-License-Identifier: Apache-2.0
"""A start that is given up says why; only one without a verdict is restarted for having none."""

import os
import subprocess
from pathlib import Path

import pytest
from builder.paths import Paths

SCRIPT = Paths.find().root / "images/tree/usr/lib/codex/boot-failed"
SYSTEMCTL = """\
#!/bin/sh
case $* in
*is-active*) [ "$STATE" = active ] ;;
*--failed*) printf '%s' "$FAILED" ;;
*list-jobs*) printf '%s' "$JOBS" ;;
esac
"""
KEEP = '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done >"$KEPT"\n'


def run(folder: Path, why: str, **given: str) -> "tuple[int, str, list[str]]":
    """Run it; returns its status, what it says, and the words that it has kept."""
    for name, text in (("systemctl", SYSTEMCTL), ("codex", KEEP)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    script = folder / "boot-failed"
    script.write_text(SCRIPT.read_text().replace("/usr/bin/codex", str(folder / "codex")))
    kept = folder / "kept"
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}", "STATE": "inactive", "FAILED": "", "JOBS": "",
        "KEPT": str(kept), **given,
    }  # fmt: skip
    done = subprocess.run(
        ["sh", script, why], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, kept.read_text().splitlines() if kept.exists() else []


def test_a_start_with_a_verdict_is_not_restarted_for_having_none(tmp_path: Path) -> None:
    """The unit restarts the host where this fails, so here it may not."""
    status, said, kept = run(tmp_path, "unjudged", STATE="active")
    assert (status, kept) == (0, [])
    assert "has its verdict" in said


def test_a_start_without_a_verdict_is(tmp_path: Path) -> None:
    status, _, kept = run(tmp_path, "unjudged")
    assert status == 1
    assert kept == ["status", "--gate", "--gave-up", "The start came to no verdict in time."]


@pytest.mark.parametrize(
    ("jobs", "waited"),
    [
        ("  7 slow.service start running\n 8 multi-user.target start waiting\n", "slow.service"),
        ("  7 codex-boot-hung.service start running\n", "nothing that systemd names"),
        ("", "nothing that systemd names"),
        # The verdict and its probes come after multi-user.target, which was just given up.
        (
            "7 codex-probes.service start running\n8 slow.service start running\n",
            "slow.service",
        ),
    ],
)
def test_a_start_that_hangs_names_what_it_waits_for(tmp_path: Path, jobs: str, waited: str) -> None:
    status, _, kept = run(tmp_path, "hung", JOBS=jobs)
    assert status == 0
    assert kept[-1] == f"The start did not end; it waited for {waited}."


def test_the_emergency_names_what_failed(tmp_path: Path) -> None:
    _, said, kept = run(tmp_path, "emergency", FAILED="x.mount  loaded failed failed X\n")
    assert "x.mount loaded failed" in said
    assert kept[-1] == "The start ended in the emergency mode; failed: x.mount."


def test_a_trial_that_was_judged_bad_keeps_nothing_more(tmp_path: Path) -> None:
    status, said, kept = run(tmp_path, "trial")
    assert (status, kept) == (0, [])
    assert "not found good" in said

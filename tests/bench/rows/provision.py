# SPDX-License-Identifier: Apache-2.0
"""The roles on a plain Debian host: a first run, a second, and apt with the same packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import BuildError

from tests.bench import provisioned
from tests.bench.provisioned import Stopwatch
from tests.bench.row import Context, Figures, Goal, Row, Subject

if TYPE_CHECKING:
    from tests.bench.provisioned import Provisioned

UNITS = {
    "first_wall_s": "s",
    "first_guest_cpu_s": "s",
    "first_controller_cpu_s": "s",
    "second_wall_s": "s",
    "second_controller_cpu_s": "s",
    "second_round_trips": "",
}


def _subjects(context: Context) -> list[Subject]:
    brought: list[str] = []

    def roles() -> Figures:
        with provisioned.fresh(context) as host:
            before = host.installed()
            watch = _watch(host)
            first = host.apply()
            wall, cpu = watch.read()
            # In the same versions: the archive may have a newer kernel than the roles bring.
            brought[:] = sorted(
                name for name in host.installed() - before if not name.startswith("codex-")
            )
            second = host.apply(again=True)
            if second.changed:
                names = ", ".join(told.task for told in second.changed)
                raise BuildError("The second run changed something.", hint=names)
            return {
                "first_wall_s": wall,
                "first_guest_cpu_s": cpu,
                "first_controller_cpu_s": first.cpu_s,
                "second_wall_s": second.wall_s,
                "second_controller_cpu_s": second.cpu_s,
                "second_round_trips": second.round_trips,
            }

    def apt() -> Figures:
        with provisioned.fresh(context) as host:
            host.bring()
            watch = _watch(host)
            host.shell(plain_apt(brought, [path.name for path in host.packages]))
            wall, cpu = watch.read()
            return {"first_wall_s": wall, "first_guest_cpu_s": cpu}

    return [Subject("roles", roles), Subject("plain apt", apt)]


def plain_apt(names: list[str], files: list[str]) -> str:
    """Return the script that installs the same packages; BuildError when none are known."""
    if not names:
        raise BuildError("The roles brought no package that apt could be compared by.")
    local = " ".join(f"/var/tmp/{name}" for name in files)
    return (
        "export DEBIAN_FRONTEND=noninteractive\napt-get -q update\n"
        f"apt-get -q -y --no-install-recommends install {' '.join(names)} {local}\n"
    )


def _watch(host: Provisioned) -> Stopwatch:
    pid = host.guest.pid
    if pid is None:
        raise BuildError("The plain host ended.", hint=f"See {host.guest.serial_log}.")
    return Stopwatch(pid)


ROW = Row(
    "provision",
    "The roles on a plain Debian host",
    UNITS,
    _subjects,
    [
        Goal("roles", "first_wall_s", 1.3, times="plain apt"),
        Goal("roles", "first_guest_cpu_s", 1.3, times="plain apt"),
        Goal("roles", "second_controller_cpu_s", 25),
        Goal("roles", "second_round_trips", 60),
    ],
    rounds=1,
    notes=(
        "plain apt: one apt-get with the packages of the first run, same versions, ours from files",
        "round trips: tasks that ask the host something, each item of a loop counted by itself",
        "guest cpu: QEMU's processor seconds; controller cpu: ansible-playbook with its children",
    ),
)

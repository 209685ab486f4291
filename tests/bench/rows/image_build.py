# SPDX-License-Identifier: Apache-2.0
"""`make image` from nothing, against bare mkosi with the same packages; tools included in both."""

from tests.bench import bare
from tests.bench.checkout import Checkout
from tests.bench.row import Context, Figures, Goal, Row, Subject


def _subjects(context: Context) -> list[Subject]:
    ours = Checkout(context, "cold")

    def build_ours() -> Figures:
        ours.renew()
        return ours.build()

    def build_bare() -> Figures:
        return bare.same_packages(context).build()

    return [Subject("ours", build_ours), Subject("bare mkosi", build_bare)]


ROW = Row(
    "image-build",
    "Image build, cold",
    {"wall_s": "s", "cpu_s": "s"},
    _subjects,
    [
        Goal("ours", "wall_s", 1.15, times="bare mkosi"),
        Goal("ours", "cpu_s", 1.15, times="bare mkosi"),
    ],
    rounds=1,
    notes=(
        "both fetch every package and make their tools tree; downloads are part of the wall time",
        "bare mkosi: ToolsTree=default, its initrd with few modules, our packages and partitions",
        "ours: clone of the last commit, with keys, page, agent, SBOM and package check",
    ),
)

# SPDX-License-Identifier: Apache-2.0
"""Options of the kernel tests, and the boots that their cases share."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kernel.harness import kernels, programs, shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kernel.harness.guest import Outcome

ROOT = Path(__file__).parents[2]
#: Waiting limits of one boot, in seconds; the sanitizers slow everything down about tenfold.
LIMIT_S = {False: 600, True: 7200}
#: Sizes where none are given, for packaged kernels and for the sanitizer kernel.
FUZZ = {False: 50_000, True: 100_000}
CYCLES = {False: 100, True: 1_000}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Sizes of the runs."""
    group = parser.getgroup("codex-kernel", "Codex OS: kernel modules in guests")
    group.addoption(
        "--codex-sanitized",
        action="store_true",
        help="boot the sanitizer kernel (built first) instead of the packaged ones",
    )
    group.addoption(
        "--codex-kernel-build",
        type=Path,
        default=ROOT / "build",
        metavar="FOLDER",
        help="folder that holds kernels/<release>/vmlinuz and modules/<release>/*.ko",
    )
    group.addoption(
        "--codex-fuzz",
        type=int,
        metavar="N",
        help="operations of the fuzzers, for each entry point, kernel and shape"
        " (50,000; 100,000 on the sanitizer kernel, a million of all ten together)",
    )
    group.addoption(
        "--codex-seed",
        type=lambda text: int(text, 0),
        default=0xC0DE,
        metavar="N",
        help="seed of the fuzzers; 0 draws one, which the report shows",
    )
    group.addoption(
        "--codex-cycles",
        type=int,
        metavar="N",
        help="times that the modules are loaded and unloaded (100; 1,000 on the sanitizer kernel)",
    )
    group.addoption(
        "--codex-programs",
        type=lambda text: tuple(text.split(",")),
        metavar="NAME,…",
        help="run only these programs (while working on them)",
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Name the seed, so that a failed run can be repeated."""
    return f"codex: kernel fuzzers {_sizes(config)['fuzz']} operations, seed {_seed(config):#x}"


def _sizes(config: pytest.Config) -> dict[str, int]:
    """What the programs are told of the run."""
    option = config.option
    sanitized: bool = option.codex_sanitized
    return {
        "fuzz": FUZZ[sanitized] if option.codex_fuzz is None else option.codex_fuzz,
        "seed": _seed(config),
        "cycles": CYCLES[sanitized] if option.codex_cycles is None else option.codex_cycles,
        **({"slow": 10} if sanitized else {}),
    }


def _seed(config: pytest.Config) -> int:
    if not config.option.codex_seed:
        config.option.codex_seed = secrets.randbits(62) | 1
    seed: int = config.option.codex_seed
    return seed


def _kernels(config: pytest.Config) -> list[kernels.Kernel]:
    build = config.option.codex_kernel_build
    return kernels.sanitized(build) if config.option.codex_sanitized else kernels.packaged(build)


def _shapes(config: pytest.Config) -> list[shapes.Shape]:
    sanitized = config.option.codex_sanitized
    only = config.option.codex_programs
    found = [shape.of(sanitized=sanitized) for shape in shapes.ALL]
    if only is None:
        return found
    return [kept for shape in found if (kept := shape.only(only)).programs]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One pytest case for each case of each program, one for each boot where that is asked for."""
    if "boot_of" not in metafunc.fixturenames:
        return
    boots = [(k, s) for k in _kernels(metafunc.config) for s in _shapes(metafunc.config)]
    if "case" not in metafunc.fixturenames:
        ids = [f"{kernel.short}-{shape.name}" for kernel, shape in boots]
        metafunc.parametrize("boot_of", boots, ids=ids, scope="session")
        return
    rows = [
        pytest.param(
            (kernel, shape), f"{program}.{case}", id=f"{kernel.short}-{shape.name}-{program}.{case}"
        )
        for kernel, shape in boots
        for program in shape.programs
        for case in programs.cases(program)
    ]
    metafunc.parametrize(("boot_of", "case"), rows, scope="session")


@pytest.fixture(scope="session")
def booted(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[tuple[kernels.Kernel, shapes.Shape]], Outcome]:
    """Boot a kernel on a shape once; later calls give the same outcome."""
    from tests.kernel.harness import guest
    from tests.support import serial_logs, timeouts

    option = pytestconfig.option
    binary: list[Path] = []
    outcomes: dict[tuple[str, str], Outcome] = {}

    def boot(boot_of: tuple[kernels.Kernel, shapes.Shape]) -> Outcome:
        kernel, shape = boot_of
        key = (kernel.short, shape.name)
        if key in outcomes:
            return outcomes[key]
        if not binary and option.codex_sanitized:
            kernels.sanitizer(option.codex_kernel_build).ensure()
        if not binary:
            binary.append(programs.compile_all(option.codex_kernel_build / "kernel-tests"))
        limit = LIMIT_S[option.codex_sanitized] * timeouts.SCALE
        what = guest.Boot(
            kernel.image,
            kernel.modules,
            binary[0],
            Path("/bin/busybox"),
            shape,
            _sizes(pytestconfig),
            limit,
        )
        name = f"kernel-{'-'.join(key)}"
        log = option.codex_kernel_build / "test-logs" / f"{name}.log"
        outcome = guest.run(what, log)
        if outcome.emulator_failed:
            serial_logs.note(
                f"QEMU failed under guest {name} (status {outcome.status}), which was started again"
            )
            outcome = guest.run(what, log)
        if not outcome.healthy:
            serial_logs.register(name, log)
        outcomes[key] = outcome
        return outcome

    return boot

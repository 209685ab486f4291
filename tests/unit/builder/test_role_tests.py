# SPDX-License-Identifier: Apache-2.0
"""`make test-roles`: which scenarios run, what they are told, and that all failures are told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest
from builder import role_tests, settings
from builder.errors import BuildError
from builder.guest import Guest
from builder.packages import Packages
from builder.paths import Paths
from builder.role_tests import RoleTests
from builder.settings import Settings
from builder.version import Version

VERSION = Version("0.1.7", "c" * 40, 1)


@pytest.fixture
def scenarios(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Paths:
    for name in ("bookworm", "hardships", "trixie"):
        folder = paths.root / "tests/molecule" / name
        folder.mkdir(parents=True)
        (folder / "molecule.yml").touch()
    monkeypatch.setattr(role_tests, "version_of", lambda paths: VERSION)
    return paths


class Stream:
    """Stands in for Molecule: writes down what it is given, and fails for some scenarios."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.runs: list[tuple[str, Mapping[str, str]]] = []

    def __call__(
        self, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str], hint: str
    ) -> None:
        assert [str(word) for word in argv[1:3]] == ["--base-config", "tests/molecule/config.yml"]
        self.runs.append((str(argv[-1]), env))
        if argv[-1] in self.failing:
            raise BuildError(f"{hint} ended with status 1.")


def _tests(paths: Paths, suite: str = "") -> RoleTests:
    return RoleTests(paths, Settings(suite=suite), Mock())


def test_releases_come_first(scenarios: Paths) -> None:
    assert _tests(scenarios).scenarios() == ["trixie", "bookworm", "hardships"]
    assert _tests(scenarios, "hardships").scenarios() == ["hardships"]


def test_image_is_booted_only_where_a_host_is_compared_with_it(scenarios: Paths) -> None:
    assert _tests(scenarios).compared()
    assert _tests(scenarios, "bookworm").compared()
    assert not _tests(scenarios, "hardships").compared()


def test_every_scenario_runs_and_failures_are_told_together(scenarios: Paths) -> None:
    stream = Stream("trixie", "hardships")
    with pytest.raises(BuildError, match=r"Failed: trixie, hardships\."):
        _tests(scenarios).run(stream)
    assert [name for name, _ in stream.runs] == ["trixie", "bookworm", "hardships"]


def test_scenario_begins_with_nothing_of_an_earlier_run(scenarios: Paths) -> None:
    tests = _tests(scenarios, "trixie")
    old = tests.left("trixie") / "told/01-check.json"
    old.parent.mkdir(parents=True)
    old.touch()
    tests.run(Stream())
    assert not old.exists()
    assert tests.left("trixie").is_dir()


def test_each_release_gets_its_own_package(scenarios: Paths) -> None:
    stream = Stream()
    _tests(scenarios).run(stream)
    told = dict(stream.runs)
    assert told["trixie"]["CODEX_AGENT_PACKAGE"].endswith(
        "/packages/codex-agent_0.1.7+deb13_amd64.deb"
    )
    assert told["bookworm"]["CODEX_AGENT_PACKAGE"].endswith("_0.1.7+deb12_amd64.deb")
    assert told["bookworm"]["CODEX_KERNEL_PACKAGE"] == ""
    assert told["hardships"]["CODEX_KERNEL_PACKAGE"].endswith("codex-kernel-dkms_0.1.7_all.deb")
    assert told["hardships"]["CODEX_RELEASE"] == "trixie"
    places = {told[name]["MOLECULE_EPHEMERAL_DIRECTORY"] for name in told}
    assert len(places) == 3
    assert all(place.startswith(str(scenarios.build)) for place in places)


def test_machines_of_an_interrupted_scenario_are_ended(
    scenarios: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("molecule-trixie", "run"):
        (scenarios.guests / name).mkdir(parents=True)
        (scenarios.guests / name / "state.json").write_text("{}")
    ended: list[str] = []

    def attach(name: str, paths: Paths) -> Mock:
        ended.append(name)
        return Mock()

    monkeypatch.setattr(Guest, "attach", attach)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _tests(scenarios, "trixie").run(interrupted)
    assert ended == ["molecule-trixie"]


def test_package_of_another_release_stays_out_of_the_images_folder(paths: Paths) -> None:
    """What lies there goes into the image's digest, and building one removes the older ones."""
    packages = Packages(paths, Mock())
    assert packages.agent_package(VERSION).parent == paths.packages
    assert packages.agent_package(VERSION, "bookworm").parent != paths.packages


def test_suite_is_a_scenario_that_there_is(scenarios: Paths) -> None:
    assert settings.parse(["SUITE=bookworm"], scenarios).suite == "bookworm"
    for wrong in ("", "sid", "../molecule", "trixie bookworm"):
        with pytest.raises(BuildError, match="There is no suite") as caught:
            settings.parse([f"SUITE={wrong}"], scenarios)
        assert "bookworm, hardships, trixie" in caught.value.hint

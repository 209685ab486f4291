# SPDX-License-Identifier: Apache-2.0
"""Order of the suites, options to judge another host, and the one booted guest.

Fixtures import what they need when they are used, so that unit tests need neither image nor guest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.molecule import hosts as machines
from tests.support import order, serial_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.guest import Guest
    from testinfra.host import Host

    from tests.support.artefacts import Artefacts
    from tests.support.service import Service


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options beside those of pytest-testinfra (--hosts, --ssh-config, --sudo, …)."""
    group = parser.getgroup("codex", "Codex OS: judge a host that runs already")
    group.addoption(
        "--codex-url",
        help="address of the agent on the host of --hosts; by default a tunnel through ssh is made",
    )
    group.addoption(
        "--codex-guest",
        metavar="NAME",
        help="judge a guest that runs already, such as `run` of `make run`, instead of a new one",
    )
    group.addoption(
        "--update-screenshots",
        action="store_true",
        help="write the stored screenshots of the page anew instead of comparing with them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that only these suites use; no test is judged by how long it takes."""
    settings.register_profile("codex", deadline=None)
    settings.load_profile("codex")
    config.addinivalue_line(
        "markers", "damages_guest: leaves the guest unusable, so it runs after everything else"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap suites first, one guest at a time, damage last."""
    items.sort(key=order.rank)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run host tests once for each host of --hosts or of Molecule, or once on the booted guest."""
    if "host_spec" not in metafunc.fixturenames:
        return
    given = metafunc.config.option.hosts
    specs = given.split(",") if given else machines.specs()
    if specs:
        metafunc.parametrize("host_spec", specs, indirect=True, scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the end of the guests' serial logs once, below the failures, and what was noted."""
    for sentence in serial_logs.notes():
        terminalreporter.write_line(f"NOTE {sentence}")
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        for title, text in serial_logs.tails():
            terminalreporter.write_sep("-", title)
            terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def artefacts() -> Artefacts:
    """Files of the latest image."""
    from tests.support import guests

    return guests.latest_artefacts()


@pytest.fixture(scope="session")
def guest(pytestconfig: pytest.Config) -> Iterator[Guest]:
    """Boot the latest image once, under OVMF with Secure Boot, and wait for its own verdict."""
    from tests.support import guests

    name = pytestconfig.option.codex_guest
    with guests.attached(name) if name else guests.booted() as running:
        yield running


@pytest.fixture(scope="session")
def host_spec(request: pytest.FixtureRequest) -> str | None:
    """Testinfra host specification of --hosts, or None for the booted guest."""
    spec: str | None = getattr(request, "param", None)
    return spec


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, host_spec: str | None) -> Host:
    """Shell on the host that is judged (takes the place of pytest-testinfra's fixture)."""
    from tests.support import hosts

    if host_spec is None:
        return hosts.of_guest(request.getfixturevalue("guest"))
    return hosts.of_option(host_spec, request.config)


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, host_spec: str | None, host: Host) -> Iterator[Service]:
    """Address, certificate authority and token of the agent on that host."""
    from tests.support import hosts

    if host_spec is None:
        yield hosts.service_of_guest(request.getfixturevalue("guest"))
    else:
        with hosts.service_of_option(host_spec, host, request.config) as found:
            yield found

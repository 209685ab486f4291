# SPDX-License-Identifier: Apache-2.0
"""Parsers take what the kernel writes and answer everything else with a reason, never a crash."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_agent.config import formats
from codex_agent.config.layers import Layer, checked, environment_layer, file_layer
from codex_agent.host import firmware, load, mounts, pci, release, text, verity
from codex_agent.host.root import Root
from codex_agent.provision.names import parse_ipv4, parse_ipv6
from tests.unit.agent import trees

if TYPE_CHECKING:
    from collections.abc import Callable

PARSERS: list[Callable[[str], Any]] = [
    text.line, text.number, text.count, text.decimal, text.flag, text.selected, text.cpu_list,
    lambda s: text.identifier(s, 4), load.parse_pressure, load.parse_load, load.parse_meminfo,
    mounts.parse, pci.parse_speed, pci.parse_width, release.parse, verity.parse_cmdline,
    lambda s: verity.parse_status(s, "root"), lambda s: verity.parse_table(s, "root"),
]  # fmt: skip
CHECKS = [
    formats.hostname, formats.token, formats.authorized_keys, formats.unit_file,
    formats.network_file,
]  # fmt: skip

# Text that looks like what the kernel writes finds more than text at random.
NEAR = st.text(
    alphabet=st.sampled_from(list("0123456789abcdefx .:-=/[]\n\t\\'\"#VCroot vers someavgfull")),
    max_size=200,
)
ANY = st.one_of(st.text(max_size=200), NEAR)


@given(ANY)
@settings(max_examples=300)
def test_parsers_give_a_value_or_a_value_error(content: str) -> None:
    for parse in PARSERS:
        with contextlib.suppress(ValueError):
            parse(content)


@given(ANY)
@settings(max_examples=200)
def test_checks_of_formats_never_fail(content: str) -> None:
    for check in CHECKS:
        assert check(content) is None or check(content)
    parse_ipv4(content)
    parse_ipv6(content)


def only_unknown(layer: Layer) -> bool:
    """Say whether all problems are names that another version may know."""
    return all(problem.message.endswith("is not known.") for problem in layer.problems)


@given(st.binary(max_size=300))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_in_a_file_are_a_value_or_a_reason(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file").write_bytes(content)
        root = Root(folder)
        for parse in PARSERS:
            reading = root.read("/file", parse)
            assert (reading.value is None) == (reading.reason is not None) or reading.reason is None
        layer = file_layer(root, "/file")
        assert not layer.values or only_unknown(layer)


@given(st.dictionaries(st.text(max_size=12), st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
), max_size=3))  # fmt: skip
def test_any_table_is_values_or_problems(content: dict[str, object]) -> None:
    layer = checked("x.toml", content)
    assert not layer.values or only_unknown(layer)


@given(st.dictionaries(st.sampled_from(
    ["CODEX_LOG_LEVEL", "CODEX_SERVICE_ALLOWED_HOSTS", "CODEX_SERVICE_X", "CODEX_HOME", "PATH"]
), st.text(max_size=30)))  # fmt: skip
def test_any_environment_is_values_or_problems(environment: dict[str, str]) -> None:
    layer = environment_layer(environment)
    assert not (layer.values and layer.problems)
    assert bool(layer.problems) >= ("CODEX_SERVICE_X" in environment)


@given(st.binary(max_size=20))
def test_any_variable_of_the_firmware(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder + firmware.SECURE_BOOT)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        reading = firmware.secure_boot(Root(folder))
        good = len(content) == 5 and content[4] in (0, 1)
        assert (reading.value is not None) == good


@pytest.mark.parametrize(
    ("parse", "content", "expected"),
    [
        (text.cpu_list, "0-3,8,10-11\n", 7),
        (text.selected, "none [integrity] confidentiality\n", "integrity"),
        (text.flag, "Y\n", True),
        (text.flag, "0\n", False),
        (pci.parse_speed, "2.5 GT/s PCIe\n", 2.5),
        (pci.parse_speed, "8.0 GT/s\n", 8.0),
        (pci.parse_speed, "Unknown\n", None),
        (pci.parse_speed, "unknown speed\n", None),
        (pci.parse_width, "255\n", None),
        (pci.parse_width, "16\n", 16),
        (load.parse_meminfo, trees.MEMINFO, {
            "MemTotal": 2028500 * 1024, "MemFree": 1024000, "MemAvailable": 1600000 * 1024}),
        (release.parse, 'A="b c"\n# x\nD=\nE=\'f\'\n', {"A": "b c", "D": "", "E": "f"}),
        (verity.parse_cmdline, f"a roothash={trees.HASH} b", trees.HASH),
        (lambda s: verity.parse_status(s, "root"), "root: 0 8 verity C -\n", "corrupted"),
    ],
)  # fmt: skip
def test_what_the_kernel_writes(
    parse: Callable[[str], Any], content: str, expected: object
) -> None:
    assert parse(content) == expected


@pytest.mark.parametrize(
    ("parse", "content"),
    [
        (text.line, "name\x1b[2J"),
        (text.line, "\n"),
        (text.number, "1e3"),
        (text.number, "\uff19"),
        (text.count, "-1"),
        (text.number, str(2**63)),
        (text.cpu_list, "3-1"),
        (load.parse_pressure, "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"),
        (load.parse_pressure, "some avg10=100.01 avg60=0.00 avg300=0.00 total=0\n"),
        (load.parse_pressure, "some avg10=1.2.3 avg60=0.00 avg300=0.00 total=0\n"),
        (release.parse, "A=b c\n"),
        (release.parse, 'A="b\n'),
        (verity.parse_cmdline, "quiet"),
        (verity.parse_cmdline, f"roothash={trees.HASH} roothash={'f' * 64}"),
        (verity.parse_cmdline, "roothash=xyz"),
        (lambda s: verity.parse_status(s, "root"), "No devices found\n"),
        (lambda s: verity.parse_status(s, "root"), "root: 0 8 linear V\n"),
        (lambda s: verity.parse_table(s, "root"), "root: 0 8 verity V\n"),
        (mounts.parse, ""),
        (mounts.parse, "22 1 254:1 / / rw ext4 /dev/vda1 rw\n"),
    ],
)
def test_what_is_refused(parse: Callable[[str], Any], content: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(content)

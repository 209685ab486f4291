# SPDX-License-Identifier: Apache-2.0
"""Variables of the command line."""

import pytest
from builder import settings
from builder.errors import BuildError
from builder.paths import Paths


def _refused(paths: Paths, *words: str) -> BuildError:
    with pytest.raises(BuildError) as caught:
        settings.parse(words, paths)
    assert caught.value.code == 2
    assert caught.value.hint
    return caught.value


def test_defaults(paths: Paths) -> None:
    assert settings.parse([], paths) == settings.Settings()


def test_every_variable_is_read(paths: Paths) -> None:
    words = ["FLAVOUR=general", "PORT=4000", "SSH_PORT=4001", "MEMORY=4096", "CPUS=4", "DEBUG=1"]
    words += ["ROWS=uki boot", "REPEATS=9", "TESTS=tests/unit tests/host"]
    words += ["KEEP=3", "MINIMUM_FROM=0.1.7", "SUITE=trixie"]
    (paths.root / "tests/molecule/trixie").mkdir(parents=True)
    (paths.root / "tests/molecule/trixie/molecule.yml").touch()
    found = settings.parse(words, paths)
    assert found == settings.Settings(
        "general", 4000, 4001, 4096, 4, "tests/unit tests/host", "uki boot", 9, 3, "0.1.7",
        "trixie", debug=True,
    )  # fmt: skip
    assert set(settings.HELP) == {name.upper() for name in vars(found)}


@pytest.mark.parametrize(
    ("word", "near"),
    [("PROT=1", "PORT"), ("port=1", "PORT"), ("FLAVOR=general", "FLAVOUR"), ("PORT:=1", "PORT")],
)
def test_near_name_is_offered(paths: Paths, word: str, near: str) -> None:
    error = _refused(paths, word)
    assert error.message == f"There is no variable {word.partition('=')[0]}."
    assert f"Did you mean {near}?" in error.hint


def test_name_that_is_near_to_nothing(paths: Paths) -> None:
    assert "Did you mean" not in _refused(paths, "XYZZY=1").hint


@pytest.mark.parametrize(
    "word",
    [
        "PORT=0", "PORT=65536", "PORT=", "PORT=-1", "PORT=80a", "PORT= 80", "PORT=1e3",
        "PORT=٣٠", "PORT=99999999999999999999", "PORT=3030\n", "MEMORY=1023", "MEMORY=2G",
        "CPUS=0", "REPEATS=0", "CPUS=256", "DEBUG=yes", "SSH_PORT=x", "PORT",
        "KEEP=0", "KEEP=-1", "KEEP=all", "KEEP=", "KEEP=1.5", "KEEP=1000",
    ],
)  # fmt: skip
def test_impossible_value(paths: Paths, word: str) -> None:
    _refused(paths, word)


@pytest.mark.parametrize("value", ["", "v1", "0.1_7", "../0", "0.1.7\n", "0.1+7", "0" * 65, "٣"])
def test_minimum_is_a_version(paths: Paths, value: str) -> None:
    assert "no version" in _refused(paths, f"MINIMUM_FROM={value}").message


def test_same_ports(paths: Paths) -> None:
    assert "the same" in _refused(paths, "PORT=3022").message
    assert "the same" in _refused(paths, "PORT=1", "SSH_PORT=01").message


@pytest.mark.parametrize("value", ["", ".", "..", "../..", "generall", "general/", "/etc"])
def test_flavour_is_one_that_exists(paths: Paths, value: str) -> None:
    (paths.root / "images/flavours/file").write_text("")
    assert "Flavours: general." in _refused(paths, f"FLAVOUR={value}").hint
    _refused(paths, "FLAVOUR=file")


@pytest.mark.parametrize(
    "value", ["nowhere", "tests/nowhere", "images", "/etc", "tests/../images", "-x", "tests -x"]
)
def test_tests_lie_below_tests(paths: Paths, value: str) -> None:
    assert "no tests at" in _refused(paths, f"TESTS={value}").message


def test_single_test_can_be_named(paths: Paths) -> None:
    (paths.root / "tests/unit/test_x.py").write_text("")
    value = "tests/unit/test_x.py::test_y[a-b]"
    assert settings.parse([f"TESTS={value}"], paths).tests == value


def test_no_tests_are_all_tests(paths: Paths) -> None:
    assert settings.parse(["TESTS="], paths).tests == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("PORT=1", ["PORT=1"]),
        (r"TESTS=a\ b CPUS=2", ["TESTS=a b", "CPUS=2"]),
        (r"A=x\\y", [r"A=x\y"]),
        ("A=$$HOME", ["A=$HOME"]),
        ("A=it's;(`", ["A=it's;(`"]),
        ("A=a\\\tb\\ \\ c", ["A=a\tb  c"]),
        ("A=\\\n", ["A=\n"]),
    ],
)
def test_quoting_of_make_is_undone(text: str, words: list[str]) -> None:
    assert settings.split(text) == words

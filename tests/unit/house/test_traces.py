# SPDX-License-Identifier: Apache-2.0
"""Nothing of a machine that builds is written down: no mirror, no registry, no path, no key."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from tests.unit.house import files

#: Hosts from which packages are fetched: which one is used is the business of each machine.
PACKAGE_HOST = re.compile(
    r"registry\.npmjs|pythonhosted\.org|pypi\.org/simple|(deb|security|ftp|snapshot)\.debian\.org"
)
#: Places of a checkout or of a person, as they would come in by a log or a generated file.
#: Data of unit tests may have invented ones.
PLACE = re.compile(r"(?<![\w.$}-])(/home/(?!\*)\w+|/work|/tmp/[a-z]+lab|/tmp/lab|/opt/pypi[\w-]*)/")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")
FORMS = [PACKAGE_HOST, PLACE, PRIVATE_KEY]
THIS = "tests/unit/house/test_traces.py"


def traces(path: str, text: str) -> list[str]:
    """What a text says about the machine that it was written on."""
    forms = [PACKAGE_HOST, PRIVATE_KEY] if path.startswith("tests/unit/") else FORMS
    return sorted({match[0] for form in forms for match in form.finditer(text)})


def test_no_trace() -> None:
    judged = {p: text for p, text in files.texts().items() if p != THIS}
    assert {p: found for p, text in judged.items() if (found := traces(p, text))} == {}


def test_a_trace_would_be_found() -> None:
    assert traces("tests/unit/x.py", "URIs: http://deb.debian.org/debian")
    assert traces("docs/x.md", "cd /home/someone/codex")
    assert not traces("docs/x.md", "install packages from Debian into /usr/lib")


@pytest.mark.parametrize("path", [p for p in files.texts() if p.endswith("package-lock.json")])
def test_npm_lock_names_no_registry_and_has_every_hash(path: str) -> None:
    packages = json.loads(files.texts()[path])["packages"]
    for place, entry in packages.items():
        address = urlsplit(str(entry.get("resolved", "")))
        assert address.netloc == "", f"{place}: {address.netloc}"
        assert not place or entry.get("integrity", "").startswith("sha512-"), place


@pytest.mark.parametrize("path", ["requirements/agent.txt", "requirements/dev.txt"])
def test_python_lock_names_no_index_and_has_every_hash(path: str) -> None:
    text = re.sub(r"^\s*#.*$", "", files.texts()[path], flags=re.MULTILINE)
    assert "://" not in text
    assert not re.search(r"^\s*-", re.sub(r"--hash=", "", text), re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text.strip(), flags=re.IGNORECASE)
    assert [e.split()[0] for e in entries if "--hash=sha256:" not in e or "==" not in e] == []


@pytest.mark.parametrize("name", ["keys/", "build/"])
def test_git_ignores(name: str) -> None:
    assert f"/{name}" in files.texts()[".gitignore"].split()
    assert [path for path in files.tracked() if path.startswith(name)] == []

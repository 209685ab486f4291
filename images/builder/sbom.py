# SPDX-License-Identifier: Apache-2.0
"""The bill of materials beside the image, in SPDX 2.3 JSON."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from builder.paths import Paths
from builder.version import Version


def write(paths: Paths, version: Version) -> Path:
    """List Debian packages of image and initrd, and Python and page libraries of the agent."""
    entries = [_debian(p) for p in _manifest(paths.image(version.number, ".manifest"))]
    entries += [_debian(p) for p in _manifest(paths.initrd_dir / "initrd.manifest")]
    entries += [
        _python(name, number)
        for name, number in _requirements(paths.root / "requirements/agent.txt")
    ]
    entries += [
        _npm(name, number)
        for name, number in _npm_lock(paths.root / "codex_agent/web/package-lock.json")
    ]
    packages = sorted(
        {entry["SPDXID"]: entry for entry in entries}.values(), key=lambda entry: entry["SPDXID"]
    )
    root = {
        "SPDXID": "SPDXRef-Image",
        "name": "codex-os",
        "versionInfo": version.number,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
    }
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"codex-os-{version.number}",
        "documentNamespace": f"urn:codex-os:{version.number}:{version.commit}",
        "creationInfo": {
            "created": datetime.fromtimestamp(version.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: codex-os-builder"],
        },
        "packages": [root, *packages],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
            *(_relation("SPDXRef-Image", "CONTAINS", entry["SPDXID"]) for entry in packages),
        ],
    }
    path = paths.image(version.number, ".spdx.json")
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def _manifest(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(path.read_text())["packages"]
    return found


def _entry(kind: str, name: str, version: str, purl: str) -> dict[str, Any]:
    identity = re.sub(r"[^A-Za-z0-9.-]", "-", f"{kind}-{name}-{version}")
    return {
        "SPDXID": f"SPDXRef-{identity}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            },
        ],
    }


def _debian(package: dict[str, str]) -> dict[str, Any]:
    name, version, architecture = package["name"], package["version"], package["architecture"]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro=trixie"
    return _entry("deb", name, version, purl)


def _python(name: str, version: str) -> dict[str, Any]:
    return _entry("pypi", name, version, f"pkg:pypi/{quote(name)}@{quote(version)}")


def _npm(name: str, version: str) -> dict[str, Any]:
    return _entry(
        "npm",
        name,
        version,
        f"pkg:npm/{quote(name, safe='/').replace('@', '%40')}@{quote(version)}",
    )


def _requirements(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", path.read_text(), re.MULTILINE)


def _npm_lock(path: Path) -> list[tuple[str, str]]:
    """Return what ends in the page: packages that are not only for development."""
    packages = json.loads(path.read_text())["packages"]
    return [
        (place.rpartition("node_modules/")[2], entry["version"])
        for place, entry in packages.items()
        if place and not entry.get("dev")
    ]


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}

# SPDX-License-Identifier: Apache-2.0
"""OVMF with our keys and no others."""

import json
from pathlib import Path

from builder import stamp
from builder.paths import Paths
from builder.tree import Tree

CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
EMPTY_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
# Owner of the signatures in the variables: a GUID of this project; it names no machine or person.
OWNER = "8f3c1f5e-6f0e-4a86-9d0e-0c0de0500001"
IN_DB = ("db", "verity", "modules")
CERTIFICATES = ("pk", "kek", *IN_DB)


def variables(paths: Paths, tree: Tree) -> Path:
    """Return a variable store that trusts the keys of this build and no vendor's."""
    store = paths.build / "firmware" / "OVMF_VARS.fd"
    certificates = {name: paths.keys / f"{name}.crt" for name in CERTIFICATES}
    wanted = stamp.digest(
        files=certificates.values(), words=[stamp.Stamp(paths.stamps, "tools").path.read_text()]
    )
    made = stamp.Stamp(paths.stamps, "firmware")
    if made.fresh(wanted) and store.exists():
        return store
    store.parent.mkdir(parents=True, exist_ok=True)
    argv: list[str | Path] = ["virt-fw-vars", "--input", EMPTY_VARIABLES, "--output", store]
    argv += ["--secure-boot"]
    argv += ["--set-pk", OWNER, certificates["pk"], "--add-kek", OWNER, certificates["kek"]]
    # The kernel checks the signatures of the root hash and of our modules against the keys that the
    # firmware hands over, so theirs are in db too.
    for name in IN_DB:
        argv += ["--add-db", OWNER, certificates[name]]
    with made.renewed(wanted):
        tree.run(argv, log=paths.logs / "firmware.log")
    return store


def enrolled(paths: Paths, tree: Tree, store: Path) -> dict[str, object]:
    """Return the variables of a store as virt-fw-vars reads them, for tests."""
    target = store.with_suffix(".json")
    tree.run(
        ["virt-fw-vars", "--input", store, "--output-json", target], log=paths.logs / "firmware.log"
    )
    found: dict[str, object] = json.loads(target.read_text())
    return found

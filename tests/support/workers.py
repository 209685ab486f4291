# SPDX-License-Identifier: Apache-2.0
"""Several test processes beside each other (pytest-xdist): each has its own files and guests."""

import os


def mine(name: str) -> str:
    """Return a name that no other process of this session has; the name itself where it is one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return f"{name}-{worker}" if worker else name

# SPDX-License-Identifier: Apache-2.0
"""In which order the suites run when several are asked for at once."""

import pytest

#: Fixtures that start the shared guest, the last two when no other host was given.
_SHARED = frozenset({"guest", "host", "service"})
_SUITES = ("unit", "image", "boot", "updates", "host", "web", "bench")


def rank(item: pytest.Item) -> tuple[bool, int, bool]:
    """Sort key: damage last; then by suite; inside a suite what needs no shared guest first.

    Tests that boot a machine of their own thus end before the shared guest starts, so that no two
    emulators share the processors. The sort is stable: otherwise the order stays pytest's.
    """
    damages = item.get_closest_marker("damages_guest") is not None
    parts = item.path.parts
    suite = next((n for n, name in enumerate(_SUITES) if name in parts), len(_SUITES))
    shares = not _SHARED.isdisjoint(getattr(item, "fixturenames", ()))
    return damages, suite, shares

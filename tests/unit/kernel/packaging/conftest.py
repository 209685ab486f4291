# SPDX-License-Identifier: Apache-2.0
"""Programs that only look like the real ones, as the builder's own tests have them."""

from tests.unit.builder.conftest import programs

__all__ = ["programs"]

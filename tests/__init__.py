# SPDX-License-Identifier: Apache-2.0
"""The test suites of Codex OS; tests/README.md says what is where."""

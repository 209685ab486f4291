# SPDX-License-Identifier: Apache-2.0
"""The agent of a Codex OS host: libraries below, command line and HTTPS service above."""

__version__ = "0.1.0"

# SPDX-License-Identifier: Apache-2.0
"""Histories of Git repositories: what they hold, how they grew, and what changes in them now."""

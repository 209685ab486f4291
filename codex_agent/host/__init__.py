# SPDX-License-Identifier: Apache-2.0
"""Readings of the host: each has a value or a reason, a source and an age."""

# SPDX-License-Identifier: Apache-2.0
"""Typed clients of the host's kernel services: shared memory, devices and what /proc says."""

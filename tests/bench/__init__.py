# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: figures, not pass or fail. README.md says how to run them."""

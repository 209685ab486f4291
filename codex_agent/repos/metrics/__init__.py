# SPDX-License-Identifier: Apache-2.0
"""Figures made of a history: each says what it counts and over which commits."""

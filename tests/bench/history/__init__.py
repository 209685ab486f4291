# SPDX-License-Identifier: Apache-2.0
"""Histories to measure on, and what is measured on them."""

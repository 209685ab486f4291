# SPDX-License-Identifier: Apache-2.0
"""The roles on plain Debian hosts, by Molecule and its default driver; see README.md."""

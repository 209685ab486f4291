# SPDX-License-Identifier: Apache-2.0
"""Keeps a kernel from becoming the default before everything for it is there.

Standard library only, and nothing newer than Python 3.10: it runs on the host, inside the scripts
of packages.
"""

# SPDX-License-Identifier: Apache-2.0
"""A kernel that watches the modules: its configuration and how it is built."""

# SPDX-License-Identifier: Apache-2.0
"""Boots a kernel with test programs in an initramfs and reads what they report."""

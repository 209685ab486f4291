# SPDX-License-Identifier: Apache-2.0
"""The program behind the Makefile: tools tree, keys, image, the guest in QEMU, and the tests.

Standard library only, Python 3.11 or newer, because it runs on a bare Debian host before anything
is installed.
"""

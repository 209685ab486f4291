# SPDX-License-Identifier: Apache-2.0
"""The program behind the Makefile: it makes tools tree, keys and image, runs the image in QEMU, and starts the tests.

Standard library only, Python 3.11 or newer, because it runs on a bare Debian host before anything is installed.
"""

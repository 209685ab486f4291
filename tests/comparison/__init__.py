# SPDX-License-Identifier: Apache-2.0
"""What an image and a host that Ansible keeps have in common, and in what they differ."""

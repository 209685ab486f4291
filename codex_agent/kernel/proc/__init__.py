# SPDX-License-Identifier: Apache-2.0
"""Typed readings of /proc/ai_memory and /proc/ai_gpu."""

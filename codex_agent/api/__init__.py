# SPDX-License-Identifier: Apache-2.0
"""The HTTPS and WebSocket service."""

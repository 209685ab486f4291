# SPDX-License-Identifier: Apache-2.0
"""Numbers and layouts that kernel and programs agree on, made by ``codex_agent.kernel.schema``."""

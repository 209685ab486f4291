# SPDX-License-Identifier: Apache-2.0
"""What kernel modules and programs agree on: one TOML file a module, and what is made from it.

``load`` reads and judges a file, each ``emit_…`` module writes one kind of source from it, and
``targets`` says which file gets what. ``python -m codex_agent.kernel.schema`` writes them all.
"""

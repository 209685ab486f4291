# SPDX-License-Identifier: Apache-2.0
"""The state of a host: what makes it differ from the default of its version, and its reset.

``verify`` says what differs, file by file. The layer is what a person laid below /etc/codex; beside
it stands what changes a running host without being in the layer; the seal is what cannot be
changed at all. ``reset`` asks the next start to erase the state (docs/decisions/0023).
"""

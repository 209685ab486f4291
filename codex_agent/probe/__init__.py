# SPDX-License-Identifier: Apache-2.0
"""The probes that start programs, open devices or wait: asked by root, beside the gate."""

# SPDX-License-Identifier: Apache-2.0
"""Configuration in layers; every value knows the layer that it comes from."""

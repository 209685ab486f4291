# SPDX-License-Identifier: Apache-2.0
"""What several suites share: artefacts, disks, guests, the service and the browser."""

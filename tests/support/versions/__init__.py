# SPDX-License-Identifier: Apache-2.0
"""Further versions of a built image in seconds, good and broken ones, as signed releases.

``source`` takes a built version apart, ``make`` puts another one together, ``broken`` has one
constructor for each kind of broken version, ``damage`` falsifies a folder of releases, ``slots``
flips bits of what was written, ``server`` and ``behaviours`` serve a folder honestly or not.
"""

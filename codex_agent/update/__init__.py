# SPDX-License-Identifier: Apache-2.0
"""Updates of the image: what is offered, whether it may be taken, and how it gets into a slot.

``fetch`` brings signed files into a stage, ``write`` lets systemd-sysupdate put them into the other
slot, and the boot that follows is counted until the host's own health check blesses it. Each stage
can be cut anywhere and goes on when it is run again. Nothing here decides by what a server says
before a key in the image's keyring has signed it.
"""

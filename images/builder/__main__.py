# SPDX-License-Identifier: Apache-2.0
"""Entry point: ``python3 -m builder TARGET [NAME=value ...]``."""

import sys

from builder.cli import main

sys.exit(main(sys.argv[1:]))

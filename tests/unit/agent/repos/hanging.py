# SPDX-License-Identifier: Apache-2.0
"""Stands for the process in the background: tells its id, and ends when its pipe is closed."""

from __future__ import annotations

import json
import os
import sys

if __name__ == "__main__":
    print(json.dumps({"type": "progress", "pid": os.getpid()}), flush=True)
    while sys.stdin.buffer.readline():
        pass

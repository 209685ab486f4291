# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program that a role hands to Python, no package
"""Asks a URL by the certificates of a file (``URL CA``); ends with 1 and the reason if in vain."""

import ssl
import sys
import urllib.request

LIMIT_S = 30


def main(url: str, ca: str) -> int:
    """Return 0 where the answer is 200; the host's own proxy settings are left aside."""
    try:
        context = ssl.create_default_context(cafile=ca)
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        with urllib.request.build_opener(*handlers).open(url, timeout=LIMIT_S) as answer:
            return 0 if answer.status == 200 else 1
    except (OSError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

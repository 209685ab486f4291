# SPDX-License-Identifier: Apache-2.0
"""Messages for the journal: one line each with its priority, plain text by hand."""

from __future__ import annotations

import logging
import os
import sys

_PRIORITY = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class JournalFormatter(logging.Formatter):
    """Prefixes every line with its priority as systemd reads it (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, each line with the prefix."""
        prefix = f"<{_PRIORITY.get(record.levelname, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def set_up(level: str) -> None:
    """Write messages of at least this level to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    plain = "%(levelname)s %(name)s: %(message)s"
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter(plain))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What uvicorn tells below "error" is told by us, or lets any client fill the journal.
    if level != "debug":
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

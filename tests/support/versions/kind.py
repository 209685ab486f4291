# SPDX-License-Identifier: Apache-2.0
"""What is known of a broken version: what is broken, how its boots end, what is said of it.

``ends`` says how a try of the version comes to its end, and who has to end it:

``resets``   the machine starts again by itself, before anything of ours could judge
``hangs``    nothing comes after: the machine starts again only when something outside resets it
``judged``   the health gate says why the boot is bad, and keeps it for the version that comes back
``refused``  firmware, loader or kernel do not run it

``said`` is a pattern for what the next good boot tells: in ``given_up`` where it was judged, else
in the list of versions that did not start well.
"""

from dataclasses import dataclass
from typing import Literal

from tests.support.versions.make import Change

Ends = Literal["resets", "hangs", "judged", "refused"]
#: What is said where no verdict was reached (codex_agent/update/rules.py).
SILENT = r"it did not start well in (1 try|\d+ tries)"


@dataclass(frozen=True)
class Broken:
    """One kind: its name, a sentence each for what is broken and what follows, and the change."""

    name: str
    what: str
    ends: Ends
    said: str
    change: Change

# SPDX-License-Identifier: Apache-2.0
"""Every waiting limit of the suites, in seconds, in one place.

They only bound a wait that failed; no test asserts how long anything takes. A slow emulator
multiplies all of them: ``CODEX_TEST_TIMEOUT_SCALE=3 make test``.
"""

import os

SCALE = float(os.environ.get("CODEX_TEST_TIMEOUT_SCALE", "1"))

#: A local program that reads an image file.
PROGRAM_S = 300 * SCALE
#: From power-on to the guest's own verdict.
BOOT_S = 1800 * SCALE
#: From power-on to the first line of a kernel or of what it started.
FIRST_SIGN_S = 600 * SCALE
#: From power-on to the firmware's refusal of a UKI.
REFUSAL_S = 900 * SCALE
#: From the verdict to power-off by the guest itself.
POWER_OFF_S = 600 * SCALE
#: One command over ssh.
COMMAND_S = 300 * SCALE
#: One HTTP request.
REQUEST_S = 60 * SCALE
#: A change in the guest, until the page or the API shows it.
CHANGE_S = 240 * SCALE
#: One step of the browser.
BROWSER_S = 60 * SCALE
#: The playbook in check mode against a host.
PLAYBOOK_S = 1800 * SCALE

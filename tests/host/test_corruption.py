# SPDX-License-Identifier: Apache-2.0
"""A block of the root that changes while the host runs is refused, and the host says so itself.

This breaks the guest's disk (its overlay, never the image), so it runs after everything else.
"""

import json
import time
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import disk, erofs, gpt, timeouts
from tests.support.artefacts import Artefacts
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.damages_guest]

#: A file of many blocks that nothing on the guest uses.
VICTIM_FOLDER = "/usr/lib/modules"
VICTIM_NAME = "btrfs.ko*"


@pytest.fixture(scope="module")
def victim(host: Host) -> str:
    """Path of the file that is damaged; it has to be readable before."""
    path: str = host.check_output(f"find {VICTIM_FOLDER} -name '{VICTIM_NAME}'")
    assert path
    host.check_output("cat %s > /dev/null", path)
    return path


@pytest.fixture(scope="module")
def damaged(
    host: Host, artefacts: Artefacts, victim: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Invert one bit of the file below dm-verity, and drop what the kernel remembers of it."""
    root = gpt.only(gpt.read(artefacts.disk), gpt.ROOT)
    image = disk.extract(artefacts.disk, root, tmp_path_factory.mktemp("root") / "root.erofs")
    offset = erofs.middle_data_byte(image, victim)
    device = f"/dev/disk/by-partuuid/{root.uuid}"
    with image.open("rb") as file:
        file.seek(offset)
        changed = file.read(1)[0] ^ 1
    image.unlink()
    host.check_output(
        f"printf '\\{changed:o}' | dd of={device} bs=1 seek={offset} conv=notrunc,fsync status=none"
    )
    host.check_output("sync; echo 3 > /proc/sys/vm/drop_caches")
    return victim


def test_changed_file_cannot_be_read(host: Host, damaged: str) -> None:
    done = host.run("cat %s > /dev/null", damaged)
    assert done.rc != 0
    assert "Input/output error" in done.stderr


def test_kernel_reports_it(host: Host, damaged: str) -> None:
    assert "is corrupted" in host.check_output("dmesg | grep 'device-mapper: verity'")
    # Start, length, target, state: V for verified, C for corrupted.
    assert host.check_output("dmsetup status root").split()[3] == "C"


def test_service_reports_it(service: Service, damaged: str) -> None:
    snapshot = _wait_for(service, "corrupted")
    assert snapshot["verdict"]["state"] == "failed"
    [check] = [c for c in snapshot["verdict"]["checks"] if c["name"] == "root-verity"]
    assert check["state"] == "failed"
    assert check["hint"]


def test_command_line_reports_it(host: Host, service: Service, damaged: str) -> None:
    _wait_for(service, "corrupted")
    done = host.run("codex status --json")
    assert done.rc == 2
    assert json.loads(done.stdout)["verity"]["state"] == "corrupted"


def _wait_for(service: Service, state: str) -> Any:
    """Poll the service until dm-verity's state is ``state``; the host reads it twice a minute."""
    end = time.monotonic() + timeouts.CHANGE_S
    while (snapshot := service.get("/api/host"))["verity"]["state"] != state:
        if time.monotonic() > end:
            pytest.fail(f"the agent still says verity is {snapshot['verity']}")
        time.sleep(1)
    return snapshot

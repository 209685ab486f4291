# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a host is told in one sentence, before a single change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.molecule.apply import apply

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = pytest.mark.guest

BROKEN_PACKAGE = """
mkdir -p /var/tmp/broken/DEBIAN && cd /var/tmp
for field in 'Package: broken' 'Version: 1' 'Architecture: all' 'Maintainer: x <x@localhost>' \\
    'Description: ends in the middle'; do echo "$field"; done >broken/DEBIAN/control
printf '#!/bin/sh\\nexit 1\\n' >broken/DEBIAN/postinst && chmod 755 broken/DEBIAN/postinst
dpkg-deb --build broken >/dev/null; ! dpkg --install broken.deb
"""
# As apt-mark does it: dpkg takes no selection of a package that it has never heard of.
HELD_AWAY = """
printf '%s\\n' 'Package: pciutils' 'Maintainer: x <x@localhost>' 'Architecture: amd64' \\
    'Version: 1' 'Description: known to dpkg, not installed' >/run/known
dpkg --merge-avail /run/known >/dev/null && rm /run/known
echo pciutils hold | dpkg --set-selections
dpkg-query --show --showformat='${db:Status-Abbrev}\\n' pciutils | grep -qx 'hn *'
"""
LEFTOVERS = "/usr/bin/nvidia-uninstall /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.570.1"


@dataclass(frozen=True)
class Hardship:
    """How a host gets into a state and out of it, or a wrong variable; and what has to be said."""

    words: str
    prepare: str = "true"
    heal: str = "true"
    variables: dict[str, Any] = field(default_factory=dict)


HARDSHIPS = {
    "variable that no role has": Hardship(
        "host_base_extra_pakages", variables={"host_base_extra_pakages": []}
    ),
    "variable of another type": Hardship(
        "kernel_modules_pool_mib", variables={"kernel_modules_pool_mib": "much"}
    ),
    "two flavours at once": Hardship(
        "gpu_detect_flavours", variables={"gpu_detect_flavours": ["nvidia", "amd"]}
    ),
    "package that is half installed": Hardship(
        "half installed: broken",
        prepare=BROKEN_PACKAGE,
        heal="dpkg --purge --force-all broken; rm -r /var/tmp/broken*",
    ),
    "package that is held away": Hardship(
        "pciutils",
        prepare=HELD_AWAY,
        heal="echo pciutils purge | dpkg --set-selections; dpkg --clear-avail",
    ),
    "leftovers of a vendor's installer": Hardship(
        "nvidia",
        prepare=f"for f in {LEFTOVERS}; do echo leftover >$f; chmod 755 $f; done",
        heal=f"rm {LEFTOVERS}",
    ),
    "disk that is full": Hardship(
        "too little room",
        prepare="fallocate --length $(($(df --output=avail --block-size=1M / | tail -1) - 200))MiB"
        " /var/tmp/full",
        heal="rm /var/tmp/full",
    ),
    "place of programs that is read-only": Hardship(
        "mounted read-only",
        prepare="mount --bind /usr /usr && mount -o remount,bind,ro /usr",
        heal="umount --lazy /usr",
    ),
    "mirror that does not answer": Hardship(
        "cannot fetch the indexes of its mirrors",
        prepare="sed -i.kept -E 's#^URIs: .*#URIs: http://10.0.2.2:9/debian#'"
        " /etc/apt/sources.list.d/debian.sources",
        heal="mv /etc/apt/sources.list.d/debian.sources.kept"
        " /etc/apt/sources.list.d/debian.sources",
    ),
}


@pytest.mark.parametrize("name", HARDSHIPS)
def test_refused_before_a_change(host: Host, name: str) -> None:
    hardship = HARDSHIPS[name]
    prepared = host.run("set -e\n" + hardship.prepare)
    assert prepared.rc == 0, prepared.stderr
    try:
        # A second, as the clock of the file system is coarse.
        host.check_output("sleep 1; touch /var/tmp/marker; sleep 1")
        outcome = apply(variables=hardship.variables)
        changed = host.check_output(
            "find /etc /usr /boot /var/lib /root -xdev -newer /var/tmp/marker -type f"
            " ! -path '*/.ansible/*' ! -path '/var/lib/systemd/*' ! -path '/var/lib/apt/*'"
        )
    finally:
        host.run(hardship.heal)
    assert outcome.status != 0, outcome.text[-3000:]
    assert hardship.words in outcome.sentence
    assert changed == ""
    assert outcome.changed == 0


def test_user_is_not_locked_out(host: Host) -> None:
    """Keys in authorized_keys2 are taken by Debian's sshd, but not once the role has been there."""
    keys = "~admin/.ssh/authorized_keys"
    host.check_output(f"mv {keys} {keys}2")
    try:
        outcome = apply()
    finally:
        host.check_output(f"mv {keys}2 {keys}")
    assert outcome.status != 0
    assert "no ssh key" in outcome.sentence
    assert outcome.changed == 0

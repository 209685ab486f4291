# SPDX-License-Identifier: Apache-2.0
"""The running kernel takes signed modules only."""

import base64
import lzma

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest

#: A module without hardware and without dependencies, which nothing loads by itself.
MODULE = "dummy"
_SIGNATURE = b"~Module signature appended~\n"
#: struct module_signature (include/linux/module_signature.h) without the signature itself.
_TRAILER = 12


@pytest.fixture(scope="module")
def signed(host: Host) -> bytes:
    """The module as shipped, uncompressed."""
    path = host.check_output("modinfo -n %s", MODULE)
    data = base64.b64decode(host.check_output("base64 -w0 %s", path))
    return lzma.decompress(data) if path.endswith(".xz") else data


def _insert(host: Host, module: bytes) -> tuple[int, str]:
    """Offer a module to the kernel; status and message of insmod."""
    text = base64.b64encode(module).decode()
    # One argument of a program may not exceed 128 KiB.
    host.check_output("rm -f /run/offered.b64")
    for start in range(0, len(text), 60_000):
        host.check_output("printf %%s %s >> /run/offered.b64", text[start : start + 60_000])
    host.check_output("base64 -d /run/offered.b64 > /run/offered.ko")
    done = host.run("insmod /run/offered.ko")
    host.check_output("rm -f /run/offered.b64 /run/offered.ko")
    return done.rc, done.stderr


def _without_signature(module: bytes) -> bytes:
    assert module.endswith(_SIGNATURE)
    end = len(module) - len(_SIGNATURE)
    size = int.from_bytes(module[end - 4 : end], "big")
    return module[: end - _TRAILER - size]


def test_signed_module_loads(host: Host, signed: bytes) -> None:
    """The control for the refusals below."""
    assert _insert(host, signed) == (0, "")
    assert host.file(f"/sys/module/{MODULE}").exists
    host.check_output("rmmod %s", MODULE)


def test_unsigned_module_is_refused(host: Host, signed: bytes) -> None:
    status, message = _insert(host, _without_signature(signed))
    assert status != 0
    assert "dummy" not in host.check_output("ls /sys/module").split(), message


def test_changed_module_is_refused(host: Host, signed: bytes) -> None:
    """One bit inside the code, signature still attached."""
    at = len(_without_signature(signed)) // 2
    changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    status, message = _insert(host, changed)
    assert status != 0
    assert "dummy" not in host.check_output("ls /sys/module").split(), message


def test_refusals_did_not_taint_the_kernel(host: Host) -> None:
    assert host.check_output("cat /proc/sys/kernel/tainted") == "0"

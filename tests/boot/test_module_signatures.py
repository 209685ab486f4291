# SPDX-License-Identifier: Apache-2.0
"""The running kernel takes signed modules only."""

import base64
import lzma
import subprocess
from pathlib import Path

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest

#: A module without hardware and without dependencies, which nothing loads by itself.
MODULE = "dummy"
#: Ours, and who signed them (images/builder/keys.py).
OURS = ["ai_mem", "ai_gpu"]
SIGNER = "Codex OS kernel modules"
_SIGNATURE = b"~Module signature appended~\n"
#: struct module_signature (include/linux/module_signature.h) without the signature itself.
_TRAILER = 12


@pytest.fixture(scope="module")
def signed(host: Host) -> bytes:
    """A module as shipped, uncompressed."""
    return _shipped(host, MODULE)


def _shipped(host: Host, name: str) -> bytes:
    path = host.check_output("modinfo -n %s", name)
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


@pytest.mark.parametrize("name", OURS)
def test_our_modules_are_loaded_and_signed_by_us(host: Host, name: str) -> None:
    assert host.file(f"/sys/module/{name}").is_directory
    assert host.check_output("modinfo -F signer %s", name) == SIGNER
    assert host.check_output("modinfo -F sig_hashalgo %s", name) == "sha256"
    # Another taint letter would be E: loaded without a good signature.
    assert host.check_output("cat /sys/module/%s/taint", name) == "O"


def test_certificate_came_from_the_firmware(host: Host) -> None:
    """Debian's kernel does not know our key; it takes it from db, as it does that of the root."""
    assert f"{SIGNER}: " in host.check_output("cat /proc/keys")


def test_module_that_somebody_else_signed_is_refused(host: Host, tmp_path: Path) -> None:
    """With a certificate that says the same of itself as ours."""
    key, certificate, module = (tmp_path / name for name in ("key", "crt", "module.ko"))
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256"]
    openssl += ["-subj", f"/CN={SIGNER}/", "-addext", "extendedKeyUsage=codeSigning"]
    words = [*openssl, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    module.write_bytes(_without_signature(_shipped(host, "ai_gpu")))
    release = host.check_output("uname -r")
    sign = f"/usr/src/linux-headers-{release}/scripts/sign-file"
    subprocess.run([sign, "sha256", str(key), str(certificate), str(module)], check=True)
    host.check_output("rmmod ai_gpu")
    try:
        status, message = _insert(host, module.read_bytes())
        assert status != 0
        assert not host.file("/sys/module/ai_gpu").exists, message
    finally:
        host.check_output("modprobe ai_gpu")


def test_refusals_did_not_taint_the_kernel(host: Host) -> None:
    """Our modules are not from the kernel's own source, and it marks that: 4096, and no more."""
    assert host.check_output("cat /proc/sys/kernel/tainted") == "4096"

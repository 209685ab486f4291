# SPDX-License-Identifier: Apache-2.0
"""The search for private keys finds them in every form and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support import secret_material

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_KEYS: dict[str, Key] = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
_PKCS8 = serialization.PrivateFormat.PKCS8
_OPENSSH = serialization.PrivateFormat.OpenSSH
_TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
_PLAIN = serialization.NoEncryption()


def _pem(name: str, form: serialization.PrivateFormat) -> bytes:
    return _KEYS[name].private_bytes(serialization.Encoding.PEM, form, _PLAIN)


@pytest.mark.parametrize(
    ("name", "form"),
    [("rsa", _PKCS8), ("rsa", _TRADITIONAL), ("ec", _PKCS8), ("ec", _TRADITIONAL),
     ("rsa", _OPENSSH), ("ed25519", _OPENSSH)],
)  # fmt: skip
def test_key_in_text_is_found(name: str, form: serialization.PrivateFormat) -> None:
    assert secret_material.holds_private_key(b"before\n" + _pem(name, form) + b"after")


def test_program_that_knows_the_first_line_is_no_key() -> None:
    program = b"\0-----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----\0PRIVATE KEY\0"
    assert not secret_material.holds_private_key(program)


def test_public_key_and_certificate_are_no_private_keys() -> None:
    public = (
        _KEYS["rsa"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert not secret_material.holds_private_key(public)


@pytest.mark.parametrize(("name", "form"), [("rsa", _PKCS8), ("ec", _PKCS8), ("ed25519", _OPENSSH)])
def test_our_key_is_found_in_binary_and_text(
    tmp_path: Path, name: str, form: serialization.PrivateFormat
) -> None:
    file = tmp_path / "our.key"
    file.write_bytes(_pem(name, form))
    [samples] = secret_material.fingerprints([file]).values()
    assert secret_material.holds(file.read_bytes(), samples)
    raw = _raw_secret(name)
    assert any(sample in raw for sample in samples[1:])


@pytest.mark.parametrize("name", ["rsa", "ec", "ed25519"])
def test_public_half_does_not_raise_the_alarm(tmp_path: Path, name: str) -> None:
    file = tmp_path / "our.key"
    file.write_bytes(_pem(name, _OPENSSH if name == "ed25519" else _PKCS8))
    [samples] = secret_material.fingerprints([file]).values()
    for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM):
        public = (
            _KEYS[name]
            .public_key()
            .public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        assert not secret_material.holds(public, samples)


def _raw_secret(name: str) -> bytes:
    """Secret numbers of a key as bytes, in no container."""
    key = _KEYS[name]
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return b"".join(n.to_bytes(256, "big") for n in (numbers.d, numbers.p, numbers.q))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.private_numbers().private_value.to_bytes(32, "big")
    return key.private_bytes_raw()


def test_openpgp_key_of_updates_is_found_in_each_form(tmp_path: Path) -> None:
    """As images/builder/update-key leaves it; the public half holds none of it."""
    if shutil.which("gpg-agent") is None:
        pytest.skip("no gpg-agent")
    script = Path(__file__).resolve().parents[3] / "images/builder/update-key"
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        subprocess.run(["sh", script, "make"], cwd=folder, check=True, capture_output=True)
        key, public = folder / "update.key", folder / "update.pub"
        assert secret_material.holds_private_key(key.read_bytes())
        assert not secret_material.holds_private_key(public.read_bytes())
        samples = secret_material.fingerprints([key])["update.key"]
        argv = ["gpg", "--batch", "--dearmor", "--output", "-", str(key)]
        binary = subprocess.run(argv, check=True, capture_output=True).stdout
        assert secret_material.holds(key.read_bytes(), samples[:1])
        assert secret_material.holds(binary, samples[1:])
        for sample in samples:
            assert sample not in public.read_bytes()
            assert len(sample) >= 24

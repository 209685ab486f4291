# SPDX-License-Identifier: Apache-2.0
"""The certificate authority of one host: made on it, used for nothing but its own certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from codex_agent.errors import CodexError
from codex_agent.provision import files

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME = timedelta(days=3650)
RENEW_BEFORE = timedelta(days=365)
BACKDATED = timedelta(days=1)  # clients whose clock is a little behind must not refuse it

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """Key and certificate of the authority."""

    key: Key
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal pairs."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def new_key() -> Key:
    """Return a new key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """Return a key as unencrypted PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def parse_key(content: bytes) -> Key:
    """Return the key of a PEM file; raises ``ValueError`` on anything that is not one on P-256."""
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("it is not a key on the curve P-256")  # noqa: TRY004 - a bad file
    return key


def belongs(certificate: x509.Certificate, key: Key) -> bool:
    """Say whether a certificate is about this key."""
    return certificate.public_key() == key.public_key()


def issue(key: Key, name: str, now: datetime) -> x509.Certificate:
    """Return a certificate that lets ``key`` sign certificates of hosts, for ten years."""
    public = key.public_key()
    digest = x509.SubjectKeyIdentifier.from_public_key(public)
    # The name tells apart the authorities that a person has imported from several hosts.
    title = f"Codex OS host {name} {digest.digest.hex()[:8]}"[:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(digest, critical=False)
        .sign(key, hashes.SHA256())
    )


def _broken(path: Path, what: str) -> CodexError:
    hint = f"Restore {path}, or remove it and its pair; clients must then trust a new authority."
    return CodexError(f"{path} {what}.", hint=hint)


def ensure(folder: Path, name: str, now: datetime, changes: list[str]) -> Authority:
    """Return the authority in ``folder``; make what is missing, never replace what is damaged.

    The key is written first: a certificate can be made anew from it, the other way round not.
    """
    key_path, certificate_path = folder / "ca.key", folder / "ca.crt"
    key_content = files.read(key_path, files.SECRET_FILE)
    content = files.read(certificate_path, files.PUBLIC_FILE)
    if key_content is None:
        key = new_key()
        files.write(key_path, key_pem(key), files.SECRET_FILE)
        if content is not None:
            changes.append("replaced the certificate authority, whose key was gone")
            content = None
    else:
        try:
            key = parse_key(key_content)
        except ValueError:
            raise _broken(key_path, "is not a valid key") from None
    if content is not None:
        try:
            certificate = x509.load_pem_x509_certificate(content)
        except ValueError:
            raise _broken(certificate_path, "is not a valid certificate") from None
        if not belongs(certificate, key):
            raise _broken(certificate_path, "is not about the key beside it")
        lasts = certificate.not_valid_after_utc - now > RENEW_BEFORE
        if lasts and certificate.not_valid_before_utc <= now:
            return Authority(key, certificate)
    certificate = issue(key, name, now)
    files.write(certificate_path, certificate_pem(certificate), files.PUBLIC_FILE)
    authority = Authority(key, certificate)
    changes.append(f"made a certificate for the authority, SHA-256 {authority.fingerprint}")
    return authority

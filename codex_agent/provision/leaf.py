# SPDX-License-Identifier: Apache-2.0
"""The certificate that the service shows: short-lived, for the names that the host has now."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from codex_agent.provision import files
from codex_agent.provision.authority import (
    BACKDATED,
    Authority,
    Key,
    belongs,
    certificate_pem,
    key_pem,
    new_key,
    parse_key,
)
from codex_agent.provision.names import Address, Names

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)


def covered(certificate: x509.Certificate) -> Names:
    """Return the names that a certificate is for."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names((), ())
    addresses = tuple(
        address
        for address in san.get_values_for_type(x509.IPAddress)
        if isinstance(address, (ipaddress.IPv4Address, ipaddress.IPv6Address))
    )
    return Names(tuple(san.get_values_for_type(x509.DNSName)), addresses)


def issue(authority: Authority, key: Key, names: Names, now: datetime) -> x509.Certificate:
    """Return a server certificate for 90 days, or as long as the authority lasts."""
    title = names.dns[-1][:64]
    entries: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    entries += [x509.IPAddress(address) for address in names.addresses]
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    signer = authority.certificate
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)]))
        .issuer_name(signer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(now + LIFETIME, signer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(entries), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )


def stale(
    content: bytes | None, authority: Authority, key: Key, names: Names, now: datetime
) -> str | None:
    """Return why a certificate must be made anew, or None where it is still good.

    Names that it has beyond the wanted ones do no harm: a network that comes up later than this
    runs must not change the certificate at each start.
    """
    if content is None:
        return "there was none"
    try:
        certificate = x509.load_pem_x509_certificate(content)
        certificate.verify_directly_issued_by(authority.certificate)
        has = covered(certificate)
    except (ValueError, TypeError):
        return "it was damaged or of another authority"
    except InvalidSignature:
        return "it was of another authority"
    if not belongs(certificate, key):
        return "it was about another key"
    if certificate.not_valid_before_utc > now:
        return "it was not yet valid"
    if certificate.not_valid_after_utc - now < RENEW_BEFORE:
        return "it had less than 30 days left"
    missing: list[str | Address] = [name for name in names.dns if name not in has.dns]
    missing += [address for address in names.addresses if address not in has.addresses]
    if missing:
        return f"it did not name {', '.join(str(name) for name in missing[:3])}"
    return None


def ensure(
    folder: Path, authority: Authority, names: Names, now: datetime, changes: list[str]
) -> None:
    """See to it that ``server.key`` and a good ``server.crt`` are in ``folder``.

    A key is kept when the certificate is renewed, so that one rename is all that a renewal is; a
    damaged key is replaced, as nobody has to trust it beyond its certificate.
    """
    key_path, certificate_path = folder / "server.key", folder / "server.crt"
    content = files.read(key_path, files.SECRET_FILE)
    key: Key | None = None
    if content is not None:
        try:
            key = parse_key(content)
        except ValueError:
            changes.append("replaced the key of the service, which was damaged")
    if key is None:
        key = new_key()
        files.write(key_path, key_pem(key), files.SECRET_FILE)
    reason = stale(files.read(certificate_path, files.SECRET_FILE), authority, key, names, now)
    if reason is not None:
        certificate = issue(authority, key, names, now)
        files.write(certificate_path, certificate_pem(certificate), files.SECRET_FILE)
        changes.append(f"made a certificate for the service: {reason}")

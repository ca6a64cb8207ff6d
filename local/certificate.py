"""The certificate of a local stage: its own, for 127.0.0.1 alone, in its folder."""

from __future__ import annotations

import os
import ssl
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

CERTIFICATE, KEY, BUNDLE = "server.pem", "server.key", "ca-bundle.pem"
LIFE = timedelta(days=825)  # what macOS accepts at most


def make_certificate(folder: Path, *, now: datetime) -> None:
    """Write CERTIFICATE, KEY and BUNDLE into `folder`; no effect when they are there.

    The bundle is the machine's own roots with this certificate, because the variables that name a bundle replace
    every other: a vendor's HTTPS is still believed.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    certificate, key, bundle = folder / CERTIFICATE, folder / KEY, folder / BUNDLE
    if certificate.exists() and key.exists() and bundle.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # Two certificates of one name in a bundle would be taken for one another.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"minutemend local AWS {serial:x}"[:64])])
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
        .add_extension(addresses, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    key.touch(mode=0o600)
    key.write_bytes(pem)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    bundle.write_bytes(_machines_roots() + certificate.read_bytes())


def _machines_roots() -> bytes:
    """The roots that Python trusts here; those that botocore ships where Python has none of its own."""
    paths = ssl.get_default_verify_paths()
    for path in (os.environ.get("SSL_CERT_FILE"), paths.cafile, paths.openssl_cafile):
        if path and Path(path).is_file() and not Path(path).with_name(CERTIFICATE).exists():  # another stage's
            return Path(path).read_bytes().rstrip() + b"\n"
    from importlib.util import find_spec

    found = find_spec("botocore")
    shipped = Path(found.origin or "").parent / "cacert.pem" if found else None
    return shipped.read_bytes().rstrip() + b"\n" if shipped and shipped.is_file() else b""

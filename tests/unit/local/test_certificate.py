"""The certificate of a local stage: for 127.0.0.1, and no other is forgotten over it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.certificate import BUNDLE, CERTIFICATE, KEY, make_certificate
from local.ministack import trusting

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def test_the_bundle_holds_the_machines_roots_and_ours(tmp_path: Path) -> None:
    """And the key is for its owner's eyes; a second call changes nothing."""
    make_certificate(tmp_path, now=NOW)
    first = {name: (tmp_path / name).read_bytes() for name in (BUNDLE, CERTIFICATE, KEY)}
    make_certificate(tmp_path, now=NOW)
    assert {name: (tmp_path / name).read_bytes() for name in first} == first
    assert first[BUNDLE].endswith(first[CERTIFICATE])
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0
    context = ssl.create_default_context(cafile=str(tmp_path / BUNDLE))
    assert len(context.get_ca_certs()) > 10
    decoded = ssl._ssl._test_decode_cert(str(tmp_path / CERTIFICATE))  # type: ignore[attr-defined]
    assert decoded["subjectAltName"] == (("IP Address", "127.0.0.1"),)


def test_a_stage_inside_another_stages_environment_has_a_bundle_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's certificate is not taken along."""
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        make_certificate(folder, now=NOW)
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / BUNDLE))
    assert (first / CERTIFICATE).read_bytes() not in (second / BUNDLE).read_bytes()


def test_what_speaks_with_local_aws_alone_reads_no_other_certificate(tmp_path: Path) -> None:
    """Each connection of boto and of the CDK reads the whole file; a vendor's HTTPS is believed by SSL_CERT_FILE."""
    make_certificate(tmp_path, now=NOW)
    told = trusting(tmp_path)
    for name in ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert Path(told[name]).read_text().count("BEGIN CERTIFICATE") == 1
    assert len(ssl.create_default_context(cafile=told["SSL_CERT_FILE"]).get_ca_certs()) > 10

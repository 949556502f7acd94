"""The partners' files are those the generator writes, and their public keys fit."""

from base64 import b64decode
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.demonstration.senders import PARTNERS, Sender, partner_file, senders_of
from services.intake.partners import Partners

SENDERS = list(senders_of("GM0984", "gezinscoaches-venray").values())


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.id)
def test_the_committed_file_is_the_written_one(sender: Sender) -> None:
    assert (PARTNERS / f"{sender.id}.yaml").read_text(encoding="utf-8") == partner_file(sender)


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.id)
def test_the_gate_knows_the_sender_by_its_key(sender: Sender) -> None:
    partner = Partners.load(PARTNERS).authenticate(sender.bearer_key, date(2024, 1, 2))

    assert partner.id == sender.id
    assert partner.synthetic
    assert "synthetisch" in partner.title
    assert partner.signing_key is not None
    public_key = Ed25519PublicKey.from_public_bytes(b64decode(partner.signing_key))
    public_key.verify(sender.private_key.sign(b"a submission"), b"a submission")

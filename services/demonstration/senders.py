"""The synthetic partners that send the history, and their keys, which are public on purpose.

THESE KEYS ARE FOR THE DEMONSTRATION ONLY. Anyone can read them here; never give a real partner one of them. A partner's
bearer key is `demonstration-<role>` and its Ed25519 private key is the SHA-256 of that text; an installation that holds
real data has no synthetic partner.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.event import NAMESPACE
from schemas.statement import STATEMENTS, ConsulentReferralAnswered, EnquiryReceived, Statement

COACHES, CONSULENT, SCHOOL = "synthese", "consulent", "school"

PARTNERS = Path(__file__).parent / "partners"
"""The folder of the synthetic partners of Venray."""

VALID_FROM = date(2017, 1, 1)

_WARNING = """\
# SYNTHETIC, FOR THE DEMONSTRATION ONLY: the keys are public (services/demonstration/senders.py, which wrote this file).
# Never give them to a real partner, and keep this file away from an installation that holds real data.
"""
_TITLES = {
    COACHES: "Synthese, gezinscoaches (synthetisch)",
    CONSULENT: "Jeugdconsulent van de gemeente (synthetisch)",
    SCHOOL: "Basisschool (synthetisch)",
}
_TYPES: dict[str, tuple[type[Statement], ...]] = {
    COACHES: tuple(one for one in STATEMENTS if one is not ConsulentReferralAnswered),
    CONSULENT: (ConsulentReferralAnswered,),
    SCHOOL: (EnquiryReceived,),
}


@dataclass(frozen=True, slots=True)
class Sender:
    """One synthetic partner: its role in one gemeente. `place` tells apart those made for load; Venray's have none."""

    role: str
    gemeente: str
    programme: str
    place: str = ""

    @property
    def id(self) -> str:
        return "-".join(part for part in ("synthetic", self.role, self.place) if part)

    @property
    def source(self) -> str:
        """Its CloudEvents source, in no registered number's name."""
        return ":".join(part for part in ("urn:nld:synthetisch", self.role, self.place, "systeem:demonstratie") if part)

    @property
    def bearer_key(self) -> str:
        return "-".join(part for part in ("demonstration", self.role, self.place) if part)

    @property
    def private_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(sha256(self.bearer_key.encode()).digest())


def senders_of(gemeente: str, programme: str, place: str = "") -> dict[str, Sender]:
    """The three synthetic partners of a gemeente, by role."""
    return {role: Sender(role, gemeente, programme, place) for role in _TYPES}


def partner_file(sender: Sender) -> str:
    """The partner's registration as the gate reads it (YAML)."""
    registration = {
        "id": sender.id,
        "title": " ".join(part for part in (_TITLES[sender.role], sender.place.upper()) if part),
        "synthetic": True,
        "gemeente": sender.gemeente,
        "sources": [sender.source],
        "programmes": [sender.programme],
        "types": [one.type.removeprefix(NAMESPACE) for one in _TYPES[sender.role]],
        "valid_from": VALID_FROM,
        "key_sha256": sha256(sender.bearer_key.encode()).hexdigest(),
        "signing_key": b64encode(sender.private_key.public_key().public_bytes_raw()).decode(),
    }
    return _WARNING + str(yaml.safe_dump(registration, sort_keys=False, allow_unicode=True, width=120))

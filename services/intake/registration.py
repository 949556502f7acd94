"""A new partner: its file, its bearer key and its signing key.

Only the file stays here; the keys are shown once.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from schemas.event import SYNTHETIC_PREFIX
from services.intake.partner import SHORT_NAMES, Partner
from services.intake.partners import PartnerFileError, Partners


@dataclass(frozen=True, slots=True)
class Registration:
    """What `register` made. `bearer` and `signing_secret` (base64 Ed25519 private key) exist nowhere else."""

    partner: Partner
    path: Path
    bearer: str
    signing_secret: str


def register(
    folder: Path,
    partner_id: str,
    title: str,
    gemeente: str,
    sources: Sequence[str],
    programmes: Sequence[str],
    valid_from: date,
    *,
    types: Sequence[str] = (),
    oin: str | None = None,
    kvk: str | None = None,
    valid_until: date | None = None,
) -> Registration:
    """Writes the partner's file into `folder`; no `types` means every type. Raises PartnerFileError."""
    bearer = secrets.token_urlsafe(32)
    signing = Ed25519PrivateKey.generate()
    fields: dict[str, object] = {
        "id": partner_id,
        "title": title,
        "oin": oin,
        "kvk": kvk,
        "gemeente": gemeente,
        "synthetic": partner_id.startswith(SYNTHETIC_PREFIX) or None,
        "sources": list(sources),
        "programmes": list(programmes),
        "types": list(types) or sorted(SHORT_NAMES),
        "valid_from": valid_from,
        "valid_until": valid_until,
        "key_sha256": sha256(bearer.encode()).hexdigest(),
        "signing_key": base64.b64encode(signing.public_key().public_bytes_raw()).decode(),
    }
    written = {name: value for name, value in fields.items() if value is not None}
    partner, path = _write(folder, partner_id, written)
    return Registration(partner, path, bearer, base64.b64encode(signing.private_bytes_raw()).decode())


def _write(folder: Path, partner_id: str, fields: dict[str, object]) -> tuple[Partner, Path]:
    """Checks before it writes, also against the partners that are there, and never writes over a file."""
    try:
        partner = Partner.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PartnerFileError(f"{partner_id}: {where or 'partner'}: {first['msg']}") from error
    others = [other for other in Partners.load(folder) if other.id != partner.id]
    taken = {source for other in others for source in other.sources} & set(partner.sources)
    if taken:
        raise PartnerFileError(f"{partner_id}: sources: {', '.join(sorted(taken))} already belongs to another partner")
    path = folder / f"{partner.id}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            yaml.safe_dump(fields, file, sort_keys=False, allow_unicode=True)
    except FileExistsError as error:
        raise PartnerFileError(f"{path}: exists already; choose another id or end that registration first") from error
    return partner, path

"""The partners one installation knows: read from a folder of files, found by id, by bearer key or by Kafka topic.

Errors:
    PartnerFileError   a file cannot be used: the operator changes it
    Unauthenticated    a caller is nobody we know: the partner's developer acts
"""

import hmac
from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Self

import yaml
from pydantic import ValidationError

from schemas.event import Gemeente
from services.intake.partner import Partner

LONGEST_BEARER = 512


class PartnerFileError(Exception):
    """A partner's file cannot be used; the message names the file, the field and what to change."""


class Unauthenticated(Exception):
    """The caller is not a partner of today; the message says what to do and nothing of what was sent."""


class Partners:
    """Every registration, by id. Two registrations never share an id, a source or a key."""

    def __init__(self, partners: Iterable[Partner]) -> None:
        self._by_id = {partner.id: partner for partner in partners}
        self._by_key = {partner.key_sha256: partner for partner in self._by_id.values()}

    @classmethod
    def load(cls, *folders: Path) -> Self:
        """Every `*.yaml` in `folders`; raises PartnerFileError that names the file and the field."""
        owners: dict[tuple[str, str], Path] = {}
        partners: list[Partner] = []
        for path in sorted(path for folder in folders for path in folder.glob("*.yaml")):
            partner = _read(path)
            for claim in _claims(partner):
                if (other := owners.setdefault(claim, path)) != path:
                    raise PartnerFileError(f"{path}: {claim[0]}: {claim[1]} is already in {other}; change one of them")
            partners.append(partner)
        return cls(partners)

    def find(self, partner_id: str) -> Partner | None:
        return self._by_id.get(partner_id)

    def authenticate(self, bearer: str, today: date) -> Partner:
        """The partner whose key this is. Only digests are compared, so the time taken says nothing about the key."""
        digest = sha256(bearer[:LONGEST_BEARER].encode("utf-8", "surrogatepass")).hexdigest()
        partner = self._by_key.get(digest)
        if partner is None or len(bearer) > LONGEST_BEARER or not hmac.compare_digest(partner.key_sha256, digest):
            raise Unauthenticated(
                "This key is not known here. Send `Authorization: Bearer <key>` with the key that came with your "
                "registration, or ask the gemeente for a new one."
            )
        if not partner.registered_on(today):
            raise Unauthenticated(
                "The registration this key belongs to is not valid today. Ask the gemeente to extend it."
            )
        return partner

    def gemeenten(self) -> frozenset[Gemeente]:
        return frozenset(partner.gemeente for partner in self)

    def __iter__(self) -> Iterator[Partner]:
        return iter(self._by_id.values())


def _claims(partner: Partner) -> list[tuple[str, str]]:
    """What may belong to one partner only, as (field, value)."""
    claims = [("id", partner.id), ("key_sha256", partner.key_sha256)]
    if partner.signing_key is not None:
        claims.append(("signing_key", partner.signing_key))
    return claims + [("sources", source) for source in partner.sources]


def _read(path: Path) -> Partner:
    try:
        partner = Partner.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")), by_alias=False, by_name=True)
    except yaml.YAMLError as error:
        raise PartnerFileError(f"{path}: not readable as YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PartnerFileError(f"{path}: {where or 'partner'}: {first['msg']}") from error
    if path.stem != partner.id:
        raise PartnerFileError(f"{path}: id: {partner.id} belongs in {partner.id}.yaml; rename the file or the id")
    return partner

"""A partner's file: what it may say, what its errors name, and who is let in by its key."""

from base64 import b64encode
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from services.intake.app import _hold_against
from services.intake.partner import Partner
from services.intake.partners import PartnerFileError, Partners, Unauthenticated
from services.intake.registration import register
from tests.intake.desk import KEY, PROGRAMMES, SCHOOL, TODAY, partner


def write(folder: Path, name: str = "school", **changes: Any) -> None:
    fields = SCHOOL.model_dump(by_alias=False, exclude_defaults=True) | changes
    listed = {field: list(value) if isinstance(value, tuple) else value for field, value in fields.items()}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(listed))


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    write(tmp_path)
    assert Partners.load(tmp_path).find("school") == SCHOOL


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"gemeente": "Venray"}, "gemeente"),
        ({"types": ["nl.overheid.jeugdzaken.enquiry.received.v1"]}, "write enquiry.received.v1, without"),
        ({"types": ["enquiry.sent.v1"]}, "is no statement type; choose from"),
        ({"synthetic": True}, "exactly the ids that start with synthetic-"),
        ({"id": "synthetic-school"}, "exactly the ids that start with synthetic-"),
        ({"id": "someone"}, "belongs in someone.yaml"),
        ({"valid_until": date(2022, 1, 1)}, "valid_until lies before valid_from"),
        ({"signing_key": "AAAA"}, "an Ed25519 public key has 32 bytes"),
        ({"key_sha256": "x"}, "key_sha256"),
        ({"sources": []}, "sources"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_error_names_the_file_and_the_field(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    write(tmp_path, **change)
    with pytest.raises(PartnerFileError, match=r"school\.yaml") as raised:
        Partners.load(tmp_path)
    assert named in str(raised.value)


@pytest.mark.parametrize("shared", ["sources", "key_sha256", "signing_key"])
def test_a_source_or_a_key_belongs_to_one_partner(tmp_path: Path, shared: str) -> None:
    own = {"sources": ["urn:x:2"], "key_sha256": "0" * 64, "signing_key": b64encode(bytes(31) + b"2").decode()}
    write(tmp_path, signing_key=b64encode(bytes(31) + b"1").decode())
    write(tmp_path, "second", id="second", **own)
    Partners.load(tmp_path)
    of_school = yaml.safe_load((tmp_path / "school.yaml").read_text())
    write(tmp_path, "second", id="second", **own | {shared: of_school[shared]})
    with pytest.raises(PartnerFileError, match=rf"{shared}: .* is already in .*school\.yaml; change one of them"):
        Partners.load(tmp_path)


def test_a_key_is_the_same_however_it_is_spelt(tmp_path: Path) -> None:
    write(tmp_path, signing_key=b64encode(bytes(31) + b"1").decode())
    own = {"sources": ["urn:x:2"], "key_sha256": "0" * 64}
    write(tmp_path, "second", id="second", signing_key=b64encode(bytes(31) + b"1").decode().replace("E=", "F="), **own)
    with pytest.raises(PartnerFileError, match="is already in"):
        Partners.load(tmp_path)


def test_the_key_opens_the_door_and_another_does_not() -> None:
    partners = Partners([SCHOOL])
    assert partners.authenticate(KEY, TODAY) is SCHOOL
    for wrong in ("", KEY[:-1], KEY + "x", SCHOOL.key_sha256, "é" * 5000, "\ud800"):
        with pytest.raises(Unauthenticated) as raised:
            partners.authenticate(wrong, TODAY)
        assert not wrong or wrong not in str(raised.value)


def test_a_key_ends_with_its_registration() -> None:
    partners = Partners([partner(valid_until=TODAY)])
    assert partners.authenticate(KEY, TODAY).id == "school"
    with pytest.raises(Unauthenticated, match="not valid today"):
        partners.authenticate(KEY, date(2024, 3, 6))


def test_a_new_partner_is_a_file_and_two_keys_shown_once(tmp_path: Path) -> None:
    made = register(
        tmp_path,
        "huisarts",
        "Huisarts",
        "GM0984",
        ["urn:x:1"],
        ["gezinscoaches-venray"],
        TODAY,
        types=["enquiry.received.v1"],
    )
    written = made.path.read_text()
    assert made.bearer not in written
    assert made.signing_secret not in written
    assert Partners.load(tmp_path).authenticate(made.bearer, TODAY) == made.partner
    with pytest.raises(PartnerFileError, match="already belongs"):
        register(tmp_path, "huisarts-2", "Huisarts", "GM0984", ["urn:x:1"], ["gezinscoaches-venray"], TODAY)
    for source in ("urn:x:1", "urn:x:2"):
        with pytest.raises(PartnerFileError, match="exists already"):
            register(tmp_path, "huisarts", "Huisarts", "GM0984", [source], ["gezinscoaches-venray"], TODAY)


def test_a_partner_says_which_types_it_may_send() -> None:
    school: Partner = partner(types=["enquiry.received.v1"])
    assert school.may_send("nl.overheid.jeugdzaken.enquiry.received.v1")
    assert not school.may_send("enquiry.received.v1")
    assert not school.may_send("nl.overheid.jeugdzaken.support.ended.v1")


def test_a_programme_that_nobody_defined_is_said_with_the_partner_that_names_it() -> None:
    typo = partner(id="typo", programmes=["gezinscoaches-venray", "gezinscoaches-venrai"])
    with capture_logs() as said:
        _hold_against(PROGRAMMES, Partners([SCHOOL, typo]))
    assert [(line["partner"], line["programme"]) for line in said] == [("typo", "gezinscoaches-venrai")]

"""What the gate does to a statement before it is kept: references become pseudonyms, personal fields are sealed."""

from collections.abc import Mapping
from typing import Any

from eventlog.vault import Vault
from schemas.marks import PersonalMark, ReferenceMark, fields_marked
from schemas.statement import STATEMENTS, Statement


def _named(statement: type[Statement], mark: type) -> Mapping[str, str]:
    """The JSON name of each field of `statement` that carries `mark`, by its own name."""
    return {name: statement.model_fields[name].alias or name for name in sorted(fields_marked(statement, mark))}


_REFERENCES = {statement: _named(statement, ReferenceMark) for statement in STATEMENTS}
_PERSONAL = {statement: frozenset(_named(statement, PersonalMark).values()) for statement in STATEMENTS}


async def protect(vault: Vault, gemeente: str, submission: str, statement: Statement) -> dict[str, Any]:
    """The statement as it may be kept, with its JSON names. Sealed with the family's key, bound to `submission`.

    The key is durable before anything is sealed with it, so a crash in between leaves no more than an unused key.
    """
    kept = statement.model_dump(mode="json", exclude_none=True)
    for name, field in _REFERENCES[type(statement)].items():
        if field in kept:
            kept[field] = vault.pseudonym(gemeente, kind_of(name, statement.programme), kept[field])
    plain = {field: value for field, value in kept.items() if field in _PERSONAL[type(statement)]}
    return kept | await vault.seal(gemeente, kept["family"], plain, submission)


def is_personal(statement: Statement) -> bool:
    """Whether there is anything in it to seal."""
    return any(getattr(statement, name) is not None for name in fields_marked(type(statement), PersonalMark))


def subject_of(vault: Vault, gemeente: str, statement: Statement) -> str:
    """Whose key seals it: the family, by its pseudonym."""
    return vault.pseudonym(gemeente, "family", statement.family)


def kind_of(field: str, programme: str) -> str:
    """Which references are compared with which: a family is one in all programmes, a case belongs to one."""
    return f"case:{programme}" if field == "case" else field

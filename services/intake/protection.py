"""What the gate does to a statement before it is kept: references become pseudonyms, personal fields are sealed."""

from typing import Any

from eventlog.vault import Vault
from schemas.marks import PersonalMark, ReferenceMark, fields_marked
from schemas.submission import Statement


async def protect(vault: Vault, gemeente: str, submission: str, statement: Statement) -> dict[str, Any]:
    """The statement as it may be kept, with its JSON names. Sealed with the family's key, bound to `submission`.

    The key is durable before anything is sealed with it, so a crash in between leaves no more than an unused key.
    """
    kept = statement.model_dump(mode="json", exclude_none=True)
    names = {name: info.alias or name for name, info in type(statement).model_fields.items()}
    for name in fields_marked(type(statement), ReferenceMark):
        if (reference := kept.get(names[name])) is not None:
            kept[names[name]] = vault.pseudonym(gemeente, kind_of(name, statement.programme), reference)
    personal = {names[name] for name in fields_marked(type(statement), PersonalMark)}
    plain = {field: value for field, value in kept.items() if field in personal}
    return kept | await vault.seal(gemeente, kept["family"], plain, submission)


def kind_of(field: str, programme: str) -> str:
    """Which references are compared with which: a family is one in all programmes, a case belongs to one."""
    return f"case:{programme}" if field == "case" else field

"""The addresses of the pages of submissions: a partner's source and id can be guessed, so the address is keyed."""

import hmac
import re
from collections.abc import Iterable

from eventlog.vault import Vault

_FORM = re.compile(r"([0-9a-f]{32})-([0-9a-f]{32})")


class PageAddresses:
    """Who was given the address, in the answer to a submission, may see the page; without the key none can be made."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def of(self, gemeente: str, submission: str) -> str:
        """The address's last part."""
        return f"{submission}-{self._vault.pseudonym(gemeente, 'page', submission)}"

    def read(self, address: str, gemeenten: Iterable[str]) -> tuple[str, str] | None:
        """The gemeente and the submission that `address` was made for; None where it was not made here."""
        if (parts := _FORM.fullmatch(address)) is None:
            return None
        for gemeente in gemeenten:
            if hmac.compare_digest(self.of(gemeente, parts[1]), address):
                return gemeente, parts[1]
        return None

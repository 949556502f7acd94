"""The vault: personal fields are sealed with one key per family, so that destroying the key erases the family.

Events hold the sealed text, so hashes and proofs survive an erasure. References become pseudonyms by a keyed hash, so
the same family is recognised without its reference being kept. One master key, held outside the database, protects
all of it: without it nothing can be opened and no reference can be recomputed.
"""

import asyncio
import base64
import hmac
import os
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from eventlog.errors import VaultError
from eventlog.subject_keys import Keys

MASTER_KEY_BYTES = 32
SEALED = "sealed:v1:"
_NONCE_BYTES = 12
_CACHED_KEYS = 10_000


class Vault:
    """Seals, opens, and makes pseudonyms; all of it follows from one master key of 32 bytes."""

    def __init__(self, master_key: bytes, keys: Keys) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise VaultError(f"the vault's master key has {len(master_key)} bytes; it must have {MASTER_KEY_BYTES}")
        self._master = master_key
        self._keys = keys
        self._derived: dict[str, bytes] = {}
        """One for each gemeente and use: few, and each pseudonym wants one."""
        self._opened: OrderedDict[tuple[str, str], AESGCM] = OrderedDict()
        self._gathering: dict[str, tuple[set[str], asyncio.Task[dict[str, VaultError]]]] = {}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def pseudonym(self, gemeente: str, kind: str, reference: str) -> str:
        """32 hexadecimal digits that stand for `reference`; the same within one gemeente and kind, for ever."""
        key = self._derive(f"pseudonym/{gemeente}")
        return hmac.new(key, f"{kind}\n{reference}".encode(), sha256).hexdigest()[:32]

    def digest(self, gemeente: str, content: bytes) -> str:
        """64 hexadecimal digits that tell whether two contents are the same and say nothing else about them."""
        return hmac.new(self._derive(f"digest/{gemeente}"), content, sha256).hexdigest()

    async def seal(self, gemeente: str, subject: str, plain: Mapping[str, str], context: str) -> dict[str, str]:
        """The same fields, sealed. `context` (the submission) and the field's name are bound to each."""
        if not plain:
            return {}
        cipher = await self._cipher_for(gemeente, subject)
        sealed = {}
        for field, value in plain.items():
            nonce = os.urandom(_NONCE_BYTES)
            hidden = cipher.encrypt(nonce, value.encode(), _bound_to(gemeente, subject, context, field))
            sealed[field] = SEALED + base64.urlsafe_b64encode(nonce + hidden).decode()
        return sealed

    async def unseal(self, gemeente: str, subject: str, sealed: Mapping[str, str], context: str) -> dict[str, str]:
        """The fields in the clear; raises VaultError where the key is gone (erased) or a field was changed."""
        if (wrapped := await self._keys.find(gemeente, [subject])).get(subject) is None:
            raise VaultError(f"{gemeente}: the family's key is gone; its personal data is erased")
        cipher = self._unwrap(gemeente, subject, wrapped[subject])
        plain = {}
        for field, value in sealed.items():
            raw = base64.urlsafe_b64decode(value.removeprefix(SEALED))
            bound = _bound_to(gemeente, subject, context, field)
            try:
                plain[field] = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound).decode()
            except InvalidTag as error:
                raise VaultError(f"{gemeente}: field {field} was not sealed here or was changed") from error
        return plain

    async def prepare(self, gemeente: str, subjects: Collection[str]) -> None:
        """Have the keys of `subjects` at hand, made where there are none: many in the time of one.

        While the store is asked, what others want gathers and is asked for together. Whoever is in a question hears
        its answer or its failure at once, and a caller that goes away takes nothing from the others.
        """
        if not (unknown := self._unknown(gemeente, subjects)):
            return
        if (gathering := self._gathering.get(gemeente)) is None:
            gathering = self._gathering[gemeente] = set(), asyncio.create_task(self._ask(gemeente))
        wanted, asking = gathering
        wanted |= unknown
        failed = await asyncio.shield(asking)
        for subject in unknown & failed.keys():
            raise failed[subject]

    async def _ask(self, gemeente: str) -> dict[str, VaultError]:
        async with self._one_at_a_time[gemeente]:
            wanted, _ = self._gathering.pop(gemeente)
            return await self._fetch_or_make(gemeente, self._unknown(gemeente, wanted))

    def _unknown(self, gemeente: str, subjects: Collection[str]) -> set[str]:
        return {subject for subject in subjects if (gemeente, subject) not in self._opened}

    async def _fetch_or_make(self, gemeente: str, subjects: set[str]) -> dict[str, VaultError]:
        """Have their keys at hand; of those that cannot be had the reason, for whoever asked for them."""
        if not subjects:
            return {}
        wrapped = await self._keys.keep_first(gemeente, {one: self._new_key(gemeente, one) for one in subjects})
        if had_one := subjects - wrapped.keys():
            wrapped |= await self._keys.find(gemeente, had_one)
        gone = f"{gemeente}: the key just made for a family is gone; is it being erased?"
        failed = {subject: VaultError(gone) for subject in subjects - wrapped.keys()}
        for subject, key in wrapped.items():
            try:
                self._opened[gemeente, subject] = self._unwrap(gemeente, subject, key)
            except VaultError as error:
                failed[subject] = error
        while len(self._opened) > max(_CACHED_KEYS, len(subjects)):
            self._opened.popitem(last=False)
        return failed

    async def _cipher_for(self, gemeente: str, subject: str) -> AESGCM:
        while (cipher := self._opened.get((gemeente, subject))) is None:
            await self.prepare(gemeente, [subject])  # Others may have taken its place since: so many are kept.
        self._opened.move_to_end((gemeente, subject))
        return cipher

    def _new_key(self, gemeente: str, subject: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        key = AESGCM.generate_key(bit_length=256)
        return nonce + self._wrapper().encrypt(nonce, key, _bound_to(gemeente, subject))

    def _unwrap(self, gemeente: str, subject: str, wrapped: bytes) -> AESGCM:
        bound = _bound_to(gemeente, subject)
        try:
            return AESGCM(self._wrapper().decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound))
        except InvalidTag as error:
            raise VaultError(f"{gemeente}: a family's key does not open; is this the right master key?") from error

    def _wrapper(self) -> AESGCM:
        return AESGCM(self._derive("wrap"))

    def _derive(self, purpose: str) -> bytes:
        if (derived := self._derived.get(purpose)) is None:
            made = HKDFExpand(SHA256(), MASTER_KEY_BYTES, f"spoorboek/{purpose}".encode()).derive(self._master)
            derived = self._derived[purpose] = made
        return derived


def _bound_to(*parts: str) -> bytes:
    return "\n".join(parts).encode()

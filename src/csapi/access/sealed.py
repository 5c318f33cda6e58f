"""Texts that say whose they are: <prefix>_<owner>_<id>_<secret><checksum>.

The owner, a tenant or a person, stands in the text, so that nothing is looked up without it. Only
the SHA-256 of the secret is stored.
"""

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

from csapi.access.tokens import (
    CHECKSUM_LENGTH,
    ID_LENGTH,
    SECRET_LENGTH,
    checksum,
    random_text,
)

SEALED = re.compile(
    rf"((cs[a-z])_([0-9a-f]{{32}})_([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}}))"
    rf"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)
# A ticket, a refresh token, an invitation, a password reset, a sign-in under way.
TICKET, REFRESH, INVITATION, RESET, FLOW = "cst", "csr", "csi", "csw", "csf"


@dataclass(frozen=True, slots=True)
class Sealed:
    prefix: str
    owner: UUID
    id: str
    secret: str

    @property
    def text(self) -> str:
        body = f"{self.prefix}_{self.owner.hex}_{self.id}_{self.secret}"
        return body + checksum(body)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()


def new_sealed(prefix: str, owner: UUID, id_: str | None = None) -> Sealed:
    """With a new secret, and a new id if none is given."""
    return Sealed(prefix, owner, id_ or random_text(ID_LENGTH), random_text(SECRET_LENGTH))


def parse_sealed(prefix: str, text: str) -> Sealed | None:
    """The parts of a well-formed text of this kind with a right checksum, else None."""
    found = SEALED.fullmatch(text)
    if found is None or found[2] != prefix or checksum(found[1]) != found[6]:
        return None
    return Sealed(prefix, UUID(hex=found[3]), found[4], found[5])

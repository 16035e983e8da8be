"""What can happen to an account, as facts in the past tense: who did what, for as long as anybody may ask.

Never an e-mail address, a hash or a secret: these facts outlive the account.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    type: ClassVar = "account.registered"
    role: str


@dataclass(frozen=True, slots=True)
class RoleChanged:
    type: ClassVar = "account.role_changed"
    from_: str
    to: str


@dataclass(frozen=True, slots=True)
class EmailChanged:
    type: ClassVar = "account.email_changed"


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    type: ClassVar = "account.password_changed"


@dataclass(frozen=True, slots=True)
class AccountErased:
    type: ClassVar = "account.erased"


AccountEvent = AccountRegistered | RoleChanged | EmailChanged | PasswordChanged | AccountErased

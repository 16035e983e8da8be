"""Who can log in."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from order_service.domain.account_events import (
    AccountErased,
    AccountEvent,
    AccountRegistered,
    EmailChanged,
    PasswordChanged,
    RoleChanged,
)
from order_service.domain.actor import Actor, Role
from order_service.domain.errors import InvalidField, NotAllowed, OwnRole
from order_service.domain.recorded import Recorded
from order_service.domain.text import checked_text

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


@dataclass(slots=True, kw_only=True)
class Account:
    """`email` is unique without regard to case, and kept in lower case; the password itself is never kept.

    `version` is the `seq` of the newest event, so it is 0 only until the account is registered.
    """

    id: UUID
    email: str
    password_hash: str
    role: Role
    created_at: datetime
    version: int = 0
    new_events: list[Recorded[AccountEvent]] = field(default_factory=list, repr=False)

    @classmethod
    def register(
        cls,
        *,
        id: UUID,
        email: str,
        password_hash: str,
        at: datetime,
        role: Role = Role.CUSTOMER,
        by: Actor | None = None,
    ) -> Self:
        """`by`: who makes the account, if not its holder. Raises InvalidField for what can be no e-mail address."""
        account = cls(id=id, email=normalized_email(email), password_hash=password_hash, role=role, created_at=at)
        account._record(AccountRegistered(role=role), by or account.actor, at)
        return account

    def give_role(self, role: Role, *, by: Actor, at: datetime) -> None:
        """The role it has already: nothing happens. Raises NotAllowed, OwnRole."""
        if not by.looks_after_accounts:
            raise NotAllowed(f"A {by.kind} may not give roles.")
        if by.id == self.id:
            raise OwnRole
        if role is self.role:
            return
        self._record(RoleChanged(from_=self.role, to=role), by, at)
        self.role = role

    def change_email(self, email: str, *, by: Actor, at: datetime) -> None:
        """The address it has already: nothing happens. Raises InvalidField."""
        email = normalized_email(email)
        if email == self.email:
            return
        self._record(EmailChanged(), by, at)
        self.email = email

    def change_password(self, password_hash: str, *, by: Actor, at: datetime) -> None:
        self._record(PasswordChanged(), by, at)
        self.password_hash = password_hash

    def erase(self, *, by: Actor, at: datetime) -> None:
        """Its last change; what is personal in it goes with its row (see `Erasing.end_account`)."""
        self._record(AccountErased(), by, at)

    def take_events(self) -> list[Recorded[AccountEvent]]:
        """The events since the account was registered or loaded; the next call gives only newer ones."""
        taken, self.new_events = self.new_events, []
        return taken

    @property
    def actor(self) -> Actor:
        return Actor.account(self.id, self.role)

    def _record(self, event: AccountEvent, by: Actor, at: datetime) -> None:
        self.version += 1
        self.new_events.append(Recorded(seq=self.version, event=event, by=by, at=at))


def normalized_email(email: str) -> str:
    """As accounts keep it. Raises InvalidField."""
    email = checked_text("email", email.strip(), shortest=3, longest=254).lower()
    if not _EMAIL.fullmatch(email):
        raise InvalidField("email", "must be an e-mail address such as ann@example.com.")
    return email

"""Give an account another role."""

from dataclasses import dataclass
from uuid import UUID

from order_service.domain.account import Account
from order_service.domain.actor import Actor, ActorKind, Role, Scope
from order_service.domain.errors import AccountNotFound, LastAdmin, NotAllowed, VersionMismatch
from order_service.ports import Clock, Transaction, Transactions
from order_service.use_cases.administration import require_admin
from order_service.use_cases.end_session import end_every_session


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRoleCommand:
    """`expected_versions`: it is meant for the account at one of these; None for whatever it is at.

    `even_the_last_admin`: whoever runs the service may take the role from the last one, too.
    """

    by: Actor
    account_id: UUID
    role: Role
    expected_versions: frozenset[int] | None = None
    even_the_last_admin: bool = False


class SetRole:
    """Admins, for everybody but themselves, so that one always stays; and whoever runs the service.

    Every session of the account ends: an access token still says the role from before. The role that the account has
    already changes nothing.
    Raises InsufficientScope, NotAllowed, AccountNotFound, OwnRole, LastAdmin, VersionMismatch.
    """

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def __call__(self, command: SetRoleCommand) -> Account:
        """The account as it is now."""
        require_admin(command.by, "give roles", scope=Scope.ACCOUNTS_WRITE)
        async with self._transactions.begin() as tx:
            account = await _locked(tx, command)
            if command.expected_versions is not None and account.version not in command.expected_versions:
                raise VersionMismatch(account.version)
            await _require_another_admin(tx, account, command)
            version, now = account.version, self._clock.now()
            account.give_role(command.role, by=command.by, at=now)
            if account.version == version:
                return account
            tx.accounts.save(account)
            await end_every_session(tx, account.id, at=now)
            await tx.commit()
        return account


async def _require_another_admin(tx: Transaction, account: Account, command: SetRoleCommand) -> None:
    """Who takes the role as an admin is one that stays; who runs the service need not be."""
    if command.by.kind is not ActorKind.SYSTEM or command.even_the_last_admin or command.role is Role.ADMIN:
        return
    if account.role is Role.ADMIN and not await tx.erasing.has_other_admin(account.id):
        raise LastAdmin


async def _locked(tx: Transaction, command: SetRoleCommand) -> Account:
    """The account, locked together with that of whoever asks, who must be an admin at this very moment.

    Else two who take each other's role at once would leave none. In the order of ids, so that they do not wait for
    each other in a circle.
    """
    found = {}
    for account_id in sorted({command.account_id, command.by.id or command.account_id}):
        try:
            found[account_id] = await tx.accounts.get(account_id, lock=True)
        except AccountNotFound:
            if account_id == command.account_id:
                raise
    if command.by.kind is ActorKind.ADMIN:
        admin = found.get(command.by.id or command.account_id)
        if admin is None or admin.role is not Role.ADMIN:
            raise NotAllowed("You are no administrator any more.")
    return found[command.account_id]

"""Register an account."""

from dataclasses import dataclass, field

from order_service.domain.account import Account, normalized_email
from order_service.domain.actor import Actor, Role
from order_service.domain.passwords import checked_password
from order_service.ports import Clock, CommonPasswords, Ids, PasswordHasher, Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterAccountCommand:
    """`by`: who makes the account, if not its holder."""

    email: str
    password: str = field(repr=False)
    role: Role = Role.CUSTOMER
    by: Actor | None = None


class RegisterAccount:
    """Anyone may register as a customer; other roles are given by whoever runs the service.

    Raises InvalidField, EmailTaken.
    """

    def __init__(
        self, transactions: Transactions, passwords: PasswordHasher, common: CommonPasswords, clock: Clock, ids: Ids
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._common = common
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: RegisterAccountCommand) -> Account:
        email = normalized_email(command.email)
        password = checked_password(command.password, email=email, is_common=self._common.has)
        account = Account.register(
            id=self._ids.new(),
            email=email,
            password_hash=await self._passwords.hash(password),
            role=command.role,
            at=self._clock.now(),
            by=command.by,
        )
        async with self._transactions.begin() as tx:
            tx.accounts.add(account)
            await tx.commit()
        return account

"""Whether somebody knows an account's password."""

from order_service.domain.account import Account
from order_service.ports import PasswordHasher


async def is_password_of(account: Account | None, given: str, passwords: PasswordHasher) -> bool:
    """Of no account: False, after as long as a wrong password takes."""
    return await passwords.verify(given, None if account is None else account.password_hash)

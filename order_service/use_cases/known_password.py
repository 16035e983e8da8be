"""Whether somebody knows an account's password."""

from order_service.domain.account import Account
from order_service.domain.passwords import spellings
from order_service.ports import PasswordHasher


async def is_password_of(account: Account | None, given: str, passwords: PasswordHasher) -> bool:
    """Of no account: False, after as long as a wrong password takes."""
    known_hash = None if account is None else account.password_hash
    possible = spellings(given)
    for spelling in possible:
        if await passwords.verify(spelling, known_hash):
            return True
    if not possible:
        await passwords.verify("", None)
    return False

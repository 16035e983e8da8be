"""Accounts of those who work in the shop, made by whoever runs the service."""

import argparse
import getpass
import sys

from dishka import AsyncContainer

from composition.commands.command import WRONG_USE, Commands, add_json, carry_out, complain, tell
from composition.settings import Settings
from order_service.domain.account import Account
from order_service.domain.actor import SYSTEM, Role
from order_service.domain.errors import AccountNotFound
from order_service.ports import AccountFilter
from order_service.use_cases.list_accounts import ListAccounts, ListAccountsQuery
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from order_service.use_cases.set_role import SetRole, SetRoleCommand


def add_commands(commands: Commands) -> None:
    admin = commands.add(
        "create-admin",
        create_admin,
        "make an administrator's account",
        about="""Asks for the password twice; without a terminal it is read from the first line of the input.
        Prints the account's id.""",
    )
    admin.add_argument("email", help="the address to log in with")
    add_json(admin)
    role = commands.add(
        "set-role",
        set_role,
        "make an account a customer's, an operator's or an admin's",
        about="""The account is logged out everywhere, for its tokens still say the role from before. Prints the
        role that it has now.""",
    )
    role.add_argument("email", help="the account's address")
    role.add_argument("role", choices=[role.value for role in Role])
    role.add_argument("--even-the-last", action="store_true", help="even if no administrator is left then")
    add_json(role)


def create_admin(settings: Settings, given: argparse.Namespace) -> int:
    password = _password()
    if password is None:
        complain("The two passwords differ.")
        return WRONG_USE

    async def act(container: AsyncContainer) -> None:
        register = await container.get(RegisterAccount)
        command = RegisterAccountCommand(email=given.email, password=password, role=Role.ADMIN, by=SYSTEM)
        account = await register(command)
        if given.json:
            _tell(account)
        else:
            print(f"{account.email} is an administrator now, with the id {account.id}.")

    return carry_out(act, settings, begin=True)


def set_role(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        list_accounts = await container.get(ListAccounts)
        found = await list_accounts(ListAccountsQuery(by=SYSTEM, wanted=AccountFilter(email=given.email)))
        if not found.accounts:
            raise AccountNotFound
        command = SetRoleCommand(
            by=SYSTEM,
            account_id=found.accounts[0].id,
            role=Role(given.role),
            even_the_last_admin=given.even_the_last,
        )
        account = await (await container.get(SetRole))(command)
        if given.json:
            _tell(account)
        else:
            print(f"{account.email} has the role {account.role} now.")

    return carry_out(act, settings)


def _tell(account: Account) -> None:
    tell({"id": account.id, "email": account.email, "role": account.role})


def _password() -> str | None:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    return password if getpass.getpass("Again: ") == password else None

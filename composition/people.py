"""Accounts of those who work in the shop, made by whoever runs the service."""

import argparse
import getpass
import sys

from dishka import AsyncContainer

from composition.commands import carry_out
from composition.settings import Settings
from order_service.domain.actor import SYSTEM, Role
from order_service.domain.errors import AccountNotFound
from order_service.ports import AccountFilter
from order_service.use_cases.list_accounts import ListAccounts, ListAccountsQuery
from order_service.use_cases.register_account import RegisterAccount, RegisterAccountCommand
from order_service.use_cases.set_role import SetRole, SetRoleCommand


def add_arguments_of_create_admin(command: argparse.ArgumentParser) -> None:
    command.epilog = "Asks for the password twice; without a terminal it is read from the first line of the input."
    command.add_argument("email", help="the address to log in with")


def create_admin(settings: Settings, given: argparse.Namespace) -> int:
    password = _password()
    if password is None:
        print("order-service: The two passwords differ.", file=sys.stderr)
        return 2

    async def act(container: AsyncContainer) -> None:
        register = await container.get(RegisterAccount)
        command = RegisterAccountCommand(email=given.email, password=password, role=Role.ADMIN, by=SYSTEM)
        account = await register(command)
        print(f"{account.email} is an administrator now, with the id {account.id}.")

    return carry_out(act, settings)


def add_arguments_of_set_role(command: argparse.ArgumentParser) -> None:
    command.epilog = "The account is logged out everywhere: its tokens still say the role from before."
    command.add_argument("email", help="the account's address")
    command.add_argument("role", choices=[role.value for role in Role])


def set_role(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        list_accounts = await container.get(ListAccounts)
        found = await list_accounts(ListAccountsQuery(by=SYSTEM, wanted=AccountFilter(email=given.email)))
        if not found.accounts:
            raise AccountNotFound
        command = SetRoleCommand(by=SYSTEM, account_id=found.accounts[0].id, role=Role(given.role))
        account = await (await container.get(SetRole))(command)
        print(f"{account.email} has the role {account.role} now.")

    return carry_out(act, settings)


def _password() -> str | None:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    return password if getpass.getpass("Again: ") == password else None

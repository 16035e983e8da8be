"""Other systems that may act here, let in by whoever runs the service."""

import argparse

import msgspec
from dishka import AsyncContainer

from composition.commands import carry_out
from composition.settings import Settings
from order_service.domain.actor import SCOPES_OF, ActorKind, Scope, scopes_text
from order_service.use_cases.create_service import CreateService, NewSecret
from order_service.use_cases.list_services import ListServices
from order_service.use_cases.remove_service import RemoveService
from order_service.use_cases.rotate_service_secret import RotateServiceSecret


def add_arguments_of_create_service(command: argparse.ArgumentParser) -> None:
    command.epilog = "The secret is shown once. With it: POST /api/v1/auth/token, grant_type=client_credentials."
    command.add_argument("name", help="how people call the other system")
    command.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope if scope in SCOPES_OF[ActorKind.SERVICE]],
        help="what it may do; may be given several times",
    )
    _add_json(command)


def create_service(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        create = await container.get(CreateService)
        _show(await create(given.name, {Scope(scope) for scope in given.scope}), as_json=given.json)

    return carry_out(act, settings)


def add_arguments_of_rotate_service_secret(command: argparse.ArgumentParser) -> None:
    command.epilog = "The former secret and its access tokens are refused within a second."
    command.add_argument("name", help="the service's name")
    _add_json(command)


def rotate_service_secret(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        _show(await (await container.get(RotateServiceSecret))(given.name), as_json=given.json)

    return carry_out(act, settings)


def add_arguments_of_remove_service(command: argparse.ArgumentParser) -> None:
    command.epilog = "Its access tokens are refused within a second."
    command.add_argument("name", help="the service's name")


def remove_service(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        await (await container.get(RemoveService))(given.name)
        print(f"{given.name} is let in no more.")

    return carry_out(act, settings)


def list_services(settings: Settings, _: argparse.Namespace) -> int:
    """A line of JSON for each."""

    async def act(container: AsyncContainer) -> None:
        for service in await (await container.get(ListServices))():
            shown = {
                "id": service.id,
                "name": service.name,
                "scope": scopes_text(service.scopes),
                "created_at": service.created_at,
                "secret_made_at": service.secret_made_at,
            }
            print(msgspec.json.encode(shown).decode())

    return carry_out(act, settings)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="a line of JSON, for scripts")


def _show(new: NewSecret, *, as_json: bool) -> None:
    shown = {"client_id": str(new.service.id), "client_secret": new.secret, "scope": scopes_text(new.service.scopes)}
    if as_json:
        print(msgspec.json.encode(shown).decode())
        return
    for name, value in shown.items():
        print(f"{name.replace('_', ' ')}: {value}")
    print("The secret is shown this once: keep it where the other system finds it.")

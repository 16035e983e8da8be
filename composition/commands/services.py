"""Other systems that may act here, let in by whoever runs the service."""

import argparse

from dishka import AsyncContainer

from composition.commands.command import Commands, add_json, carry_out, tell, tell_columns
from composition.settings import Settings
from order_service.domain.actor import SCOPES_OF, ActorKind, Scope, scopes_text
from order_service.use_cases.create_service import CreateService, NewSecret
from order_service.use_cases.list_services import ListServices
from order_service.use_cases.remove_service import RemoveService
from order_service.use_cases.rotate_service_secret import RotateServiceSecret


def add_commands(commands: Commands) -> None:
    created = commands.add(
        "create-service",
        create_service,
        "let another system in, with a secret",
        about="""Prints its client id and its secret, which is shown this once. With these it asks for tokens:
        POST /api/v1/auth/token, grant_type=client_credentials.""",
    )
    created.add_argument("name", help="how people call the other system")
    created.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope if scope in SCOPES_OF[ActorKind.SERVICE]],
        help="what it may do; may be given several times",
    )
    add_json(created)
    rotated = commands.add(
        "rotate-service-secret",
        rotate_service_secret,
        "give a service a new secret",
        about="Prints it, this once. The former secret and its access tokens are refused within a second.",
    )
    rotated.add_argument("name", help="the service's name")
    add_json(rotated)
    removed = commands.add(
        "remove-service",
        remove_service,
        "let another system in no more",
        about="Its access tokens are refused within a second.",
    )
    removed.add_argument("name", help="the service's name")
    listed = commands.add(
        "services",
        list_services,
        "list the other systems that are let in",
        about="Prints each with its client id, what it may do, and since when it has its secret.",
    )
    add_json(listed, "a JSON object per line and service")


def create_service(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        create = await container.get(CreateService)
        _show(await create(given.name, {Scope(scope) for scope in given.scope}), as_json=given.json)

    return carry_out(act, settings, begin=True)


def rotate_service_secret(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        _show(await (await container.get(RotateServiceSecret))(given.name), as_json=given.json)

    return carry_out(act, settings)


def remove_service(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        await (await container.get(RemoveService))(given.name)
        print(f"{given.name} is let in no more.")

    return carry_out(act, settings)


def list_services(settings: Settings, given: argparse.Namespace) -> int:
    async def act(container: AsyncContainer) -> None:
        shown = [
            {
                "id": service.id,
                "name": service.name,
                "scope": scopes_text(service.scopes),
                "created_at": service.created_at,
                "secret_made_at": service.secret_made_at,
            }
            for service in await (await container.get(ListServices))()
        ]
        if given.json:
            for one in shown:
                tell(one)
        elif shown:
            rows = ((s["name"], s["id"], s["scope"], f"{s['secret_made_at']:%Y-%m-%d}") for s in shown)
            tell_columns([("name", "client id", "scope", "secret of"), *rows])
        else:
            print("No other system is let in.")

    return carry_out(act, settings)


def _show(new: NewSecret, *, as_json: bool) -> None:
    shown = {"client_id": str(new.service.id), "client_secret": new.secret, "scope": scopes_text(new.service.scopes)}
    if as_json:
        tell(shown)
        return
    for name, value in shown.items():
        print(f"{name.replace('_', ' ')}: {value}")
    print("The secret is shown this once: keep it where the other system finds it.")

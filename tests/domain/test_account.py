from uuid import uuid4

import pytest

from order_service.domain.account import Account, normalized_email
from order_service.domain.account_events import AccountRegistered, EmailChanged, PasswordChanged, RoleChanged
from order_service.domain.actor import SYSTEM, Actor, ActorKind, Role
from order_service.domain.errors import InvalidField, NotAllowed, OwnRole
from tests.builders import NOON, a_customer, after, an_admin, an_operator


def test_a_new_account_is_a_customer_s_and_keeps_its_email_in_lower_case() -> None:
    account_id = uuid4()
    account = Account.register(id=account_id, email=" Ann.Lee@Example.COM ", password_hash="hash", at=NOON)
    assert [recorded.event for recorded in account.take_events()] == [AccountRegistered(role="customer")]
    assert account == Account(
        id=account_id,
        email="ann.lee@example.com",
        password_hash="hash",
        role=Role.CUSTOMER,
        created_at=NOON,
        version=1,
    )


@pytest.mark.parametrize("role", Role)
def test_an_account_acts_in_its_role(role: Role) -> None:
    account = Account.register(id=uuid4(), email="ann@example.com", password_hash="hash", at=NOON, role=role)
    assert account.actor == Actor(ActorKind(role.value), account.id)


def test_only_staff_are_staff_and_only_customers_are_confined_to_their_own_orders() -> None:
    customer = a_customer()
    assert not customer.is_staff
    assert customer.only_own == customer.id
    for staff in (an_operator(), an_admin()):
        assert staff.is_staff
        assert staff.only_own is None
    assert not SYSTEM.is_staff
    assert SYSTEM.only_own is None
    assert SYSTEM.id is None


def test_an_email_address_is_kept_without_regard_to_case() -> None:
    table = {
        "ann@example.com": "ann@example.com",
        "\tAnn+shop@Mail.Example.co.uk\n": "ann+shop@mail.example.co.uk",
        "a@b.c": "a@b.c",
        "ÄNN@MÜLLER.DE": "änn@müller.de",
        "x" * 242 + "@example.com": "x" * 242 + "@example.com",
    }
    assert {email: normalized_email(email) for email in table} == table


def test_what_cannot_be_an_email_address_is_refused() -> None:
    not_emails = [
        "", "  ", "ann", "@example.com", "ann@", "ann@example", "ann@@example.com", "ann@exam@ple.com",
        "ann lee@example.com", "ann@exa mple.com", "ann@.com", "ann@example.", "ann@example..com",
        "ann\0@example.com", "ann@exam\nple.com", "x" * 243 + "@example.com",
    ]  # fmt: skip
    assert [email for email in not_emails if not refuses(email)] == []
    with pytest.raises(InvalidField):
        Account.register(id=uuid4(), email="ann", password_hash="hash", at=NOON)


def refuses(email: str) -> bool:
    try:
        normalized_email(email)
    except InvalidField as refusal:
        return refusal.field == "email"
    return False


def test_an_account_acts_with_its_id_and_the_service_without_one() -> None:
    for kind in (ActorKind.CUSTOMER, ActorKind.OPERATOR, ActorKind.ADMIN):
        with pytest.raises(ValueError, match="accounts have one"):
            Actor(kind)
    with pytest.raises(ValueError, match="the service has none"):
        Actor(ActorKind.SYSTEM, uuid4())


def an_account(role: Role = Role.CUSTOMER) -> Account:
    """With no news."""
    account = Account.register(id=uuid4(), email="ann@example.com", password_hash="hash", at=NOON, role=role)
    account.take_events()
    return account


def test_every_change_is_recorded_with_who_made_it_and_moves_the_version_by_one() -> None:
    account, admin, later = an_account(), an_admin(), after(hours=1)
    account.give_role(Role.OPERATOR, by=admin, at=later)
    account.change_email("Ann@Example.org", by=account.actor, at=later)
    account.change_password("another hash", by=account.actor, at=later)

    recorded = account.take_events()
    assert [one.event for one in recorded] == [
        RoleChanged(from_="customer", to="operator"),
        EmailChanged(),
        PasswordChanged(),
    ]
    assert [(one.seq, one.by.id, one.at) for one in recorded] == [
        (2, admin.id, later),
        (3, account.id, later),
        (4, account.id, later),
    ]
    assert (account.version, account.role, account.email, account.password_hash) == (
        4, Role.OPERATOR, "ann@example.org", "another hash",
    )  # fmt: skip
    assert account.take_events() == []


def test_what_an_account_has_already_changes_nothing() -> None:
    account = an_account()
    account.give_role(Role.CUSTOMER, by=SYSTEM, at=NOON)
    account.change_email(" ANN@example.com", by=account.actor, at=NOON)
    assert (account.version, account.take_events()) == (1, [])


def test_an_account_that_somebody_else_makes_says_who() -> None:
    made = Account.register(
        id=uuid4(), email="boss@example.com", password_hash="hash", at=NOON, role=Role.ADMIN, by=SYSTEM
    )
    assert [one.by for one in made.take_events()] == [SYSTEM]


def test_nobody_gives_a_role_but_admins_and_nobody_to_themself() -> None:
    admin = an_account(Role.ADMIN)
    with pytest.raises(OwnRole):
        admin.give_role(Role.CUSTOMER, by=admin.actor, at=NOON)
    for by in (a_customer(), an_operator(), an_account().actor):
        with pytest.raises(NotAllowed):
            admin.give_role(Role.CUSTOMER, by=by, at=NOON)
    assert (admin.role, admin.take_events()) == (Role.ADMIN, [])

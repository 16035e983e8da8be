"""That a token's signature is known already opens nothing by itself."""

from adapters.persistence.sessions import SqlEndedSessions
from order_service.ports import EndedSessions
from tests.http.shop import ORDERS, PASSWORD, Person, Shop, document, log_in, order_body, problem


async def test_a_session_that_ended_is_over_for_a_token_that_was_just_used(eve: Person, shop: Shop) -> None:
    async with shop.client() as client:
        session = document(await log_in(client, eve.email, PASSWORD))
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        for _ in range(2):
            assert (await client.get(ORDERS, headers=headers)).status_code == 200
        assert (await client.post("/api/v1/auth/revoke", data={"token": session["refresh_token"]})).is_success
        ended = await shop.container.get(EndedSessions)
        assert isinstance(ended, SqlEndedSessions)
        await ended.look()
        for _ in range(2):
            problem(await client.get(ORDERS, headers=headers), 401, "not-authenticated")
        assert (await eve.get(ORDERS)).status_code == 200  # another session of the same account


async def test_a_token_with_another_end_is_refused_next_to_the_one_that_was_just_used(eve: Person) -> None:
    assert (await eve.get(ORDERS)).status_code == 200
    head, body, signature = eve.token.split(".")
    forged = f"{head}.{body}.{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'BB'}"
    answer = await eve.post(ORDERS, json=order_body(), headers={"Authorization": f"Bearer {forged}"})
    problem(answer, 401, "not-authenticated")
    assert (await eve.get(ORDERS)).status_code == 200

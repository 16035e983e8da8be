"""What somebody might send as an access token: forged, worn out, or meant for something else, by kind and name."""

from collections.abc import Callable, Iterator

from tests.http.forged.algorithms import no_algorithm, other_algorithms, public_as_secret
from tests.http.forged.claims import widened, wrong_claims
from tests.http.forged.headers import headers, kids
from tests.http.forged.shapes import shapes, signatures
from tests.http.forged.victim import Forgery, given

# What was given out for something else, or is over

WORN_OUT = (
    "a refresh token",
    "a client secret",
    "a client id",
    "an account id",
    "a session id",
    "a page cursor",
    "a password",
    "signed with a key that was taken away",
    "signed with the secret of the settings, which signs no more",
    "of a session that was logged out",
    "of a session whose refresh token came twice",
    "of a service with another secret by now",
    "of a service that was removed",
)


def worn_out() -> Iterator[tuple[str, Forgery]]:
    for what in WORN_OUT:
        yield what, given(lambda v, what: v.worn_out[what], what)


KINDS: dict[str, Callable[[], Iterator[tuple[str, Forgery]]]] = {
    "no algorithm": no_algorithm,
    "what is public as a secret": public_as_secret,
    "another algorithm": other_algorithms,
    "kid": kids,
    "header": headers,
    "claim": wrong_claims,
    "wider": widened,
    "signature": signatures,
    "shape": shapes,
    "worn out": worn_out,
}

FORGERIES: dict[str, Forgery] = {
    f"{kind}: {name}": forge for kind, forgeries in KINDS.items() for name, forge in forgeries()
}

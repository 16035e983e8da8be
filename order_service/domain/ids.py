"""Order numbers: what people read to each other over the phone."""

ORDER_NUMBER_BITS = 55
"""How much randomness an order number holds: eleven symbols of five bits. A twelfth symbol checks them."""

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
_LOOK_ALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def order_number(random_bits: int) -> str:
    """Such as `K7Q2-9XWD-3F4M`: Crockford base32 of the number, and its check symbol (the number modulo 37).

    Five of the 37 check symbols are punctuation, which nobody wants to dictate or to see in an address, so a
    number that would need one gives way to the next that does not.
    """
    value = random_bits % 2**ORDER_NUMBER_BITS
    while value % 37 >= len(_SYMBOLS):
        value = (value + 1) % 2**ORDER_NUMBER_BITS
    digits = "".join(_SYMBOLS[value >> shift & 31] for shift in range(50, -1, -5)) + _SYMBOLS[value % 37]
    return "-".join((digits[:4], digits[4:8], digits[8:]))


def read_order_number(text: str) -> str | None:
    """The number as we write it, from what a person typed: any case, I for 1, O for 0, hyphens or not.

    None when it cannot be one of ours: wrong length, wrong symbols, or the check symbol does not agree.
    """
    digits = text.upper().translate(_LOOK_ALIKES)
    if len(digits) != 12 or any(symbol not in _SYMBOLS for symbol in digits):
        return None
    value = 0
    for symbol in digits[:11]:
        value = value << 5 | _SYMBOLS.index(symbol)
    return order_number(value) if _SYMBOLS[value % 37 % 32] == digits[11] and value % 37 < 32 else None

"""One thing, several things."""


def how_many(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 dead letter``, ``1,200 dead letters``.

    Args:
        number: How many.
        one: The noun for one.
        many: The noun for any other number, where that is not ``one`` with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"

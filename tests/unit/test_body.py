import asyncio

import pytest
from starlette.types import Message, Receive

from service.web.body import BodyTooLarge, read_body


def test_a_body_that_stalls_is_given_up_on() -> None:
    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TimeoutError):
        asyncio.run(read_body({"headers": []}, silent, 100, timeout_s=0.01))


def test_chunks_are_put_together_up_to_the_limit_and_not_beyond() -> None:
    def sender(*chunks: bytes) -> Receive:
        messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        messages[-1]["more_body"] = False
        waiting = iter(messages)

        async def receive() -> Message:
            return next(waiting)

        return receive

    assert asyncio.run(read_body({"headers": []}, sender(b"12", b"34"), 4)) == b"1234"
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body({"headers": []}, sender(b"12", b"345"), 4))


@pytest.mark.parametrize("declared", [b"101", b"-1", b"many"])
def test_a_declared_length_that_cannot_be_is_refused_before_anything_is_read(declared: bytes) -> None:
    async def never() -> Message:
        raise AssertionError("nothing should be read")

    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body({"headers": [(b"content-length", declared)]}, never, 100))

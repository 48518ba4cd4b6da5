"""A load generator: ``python -m bench.load PORT CONNECTIONS FIRST COUNT`` prints rate and latencies as JSON.

A process of its own, and raw protocols instead of an HTTP client: on two cores a slow client would be what is measured.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from bench.bodies import requests

ACCEPTED = b"HTTP/1.1 202"


class _Connection(asyncio.Protocol):
    """Sends one request after the other and times each."""

    def __init__(self, work: Iterator[bytes], latencies_s: list[float], done: asyncio.Future[None]) -> None:
        self._work = work
        self._latencies_s = latencies_s
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, because uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        # Our answers fit one segment: a status line, few headers, a short body.
        self._latencies_s.append(time.perf_counter() - self._sent_s)
        if not data.startswith(ACCEPTED):
            self._end(RuntimeError(f"unexpected answer: {data[:200]!r}"))
            return
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the server closed the connection"))

    def _next(self) -> None:
        assert self._transport is not None  # noqa: S101 - narrows the type
        request = next(self._work, None)
        if request is None:
            self._end(None)
            self._transport.close()
            return
        self._sent_s = time.perf_counter()
        self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


async def run(port: int, connections: int, work: list[bytes]) -> dict[str, float]:
    """Send all the requests over so many connections."""
    loop = asyncio.get_running_loop()
    latencies_s: list[float] = []
    shared = iter(work)
    ends = [loop.create_future() for _ in range(connections)]
    began_s = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: _Connection(shared, latencies_s, end), "127.0.0.1", port)  # type: ignore[misc]  # a bound loop variable
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - began_s
    cuts = statistics.quantiles(latencies_s, n=100)
    return {
        "per_second": len(latencies_s) / seconds,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "requests": len(latencies_s),
    }


def main() -> None:
    """Build the requests first, then send them."""
    port, connections, first, count = (int(text) for text in sys.argv[1:])
    work = list(requests(first, count))
    print(json.dumps(uvloop.run(run(port, connections, work))))


if __name__ == "__main__":
    main()

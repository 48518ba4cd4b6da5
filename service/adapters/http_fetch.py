"""One text from one address: to exactly the IP address that was checked, and capped in time and size."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from textwrap import shorten

import anyio
import httpx2

from service.adapters.http_answers import Endpoint, ask, decoded, refuse_headers, refuse_size, refuse_status
from service.domain.addresses import Address
from service.domain.errors import UnfetchablePrompt
from service.domain.public_networks import is_public

_LONGEST_DETAIL = 200


def resolve(host: str) -> list[Endpoint]:
    """Give the IP addresses of a host, each with the port of https; OSError if there are none."""
    return [(str(found[4][0]), int(found[4][1])) for found in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Network:
    """What a fetch meets outside, and how it is kept from the inside.

    Attributes:
        tls: Whose certificates are believed; None for those that the machine believes.
        resolve: Gives a host's IP addresses and ports; may block.
        is_public: Whether one of these may be connected to.
        seconds: For one text, from looking up the host to the last byte.
        max_bytes: Of one text.
    """

    tls: ssl.SSLContext | None = None
    resolve: Callable[[str], Sequence[Endpoint]] = resolve
    is_public: Callable[[str], bool] = is_public
    seconds: float = 20.0
    max_bytes: int = 1024 * 1024


class Fetcher:
    """Fetches texts, in one event loop; to be closed.

    It works on the library's transport, not on its client: that would follow the environment's proxies, keep
    cookies, and log each address with its signed query.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._transport = httpx2.AsyncHTTPTransport(verify=network.tls or True, trust_env=False)
        self._worked: dict[str, Endpoint] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def text(self, address: Address) -> str:
        """Fetch a text.

        Raises:
            UnfetchablePrompt: With every reason but those of ``read_address``.
        """
        try:
            # Over everything: a timeout for each read would let a server send a byte at a time for ever.
            async with asyncio.timeout(self._network.seconds) as limit:
                endpoints = await self._endpoints(address.host)
                return decoded(await self._first_answer(address, endpoints, limit))
        except TimeoutError:
            raise UnfetchablePrompt(
                "address_unreachable", f"no whole answer in {self._network.seconds:g} seconds"
            ) from None
        except httpx2.TransportError as error:
            # Without its words, which may quote the answer.
            raise UnfetchablePrompt("address_unreachable", type(error).__name__) from error

    async def _endpoints(self, host: str) -> list[Endpoint]:
        """Resolve a host, once, and check every address of it."""
        try:
            # A resolver that hangs is left behind in its thread.
            found = await anyio.to_thread.run_sync(self._network.resolve, host, abandon_on_cancel=True)
        except OSError as error:
            raise UnfetchablePrompt("address_unreachable", f"{host} cannot be resolved") from error
        if not all(self._network.is_public(ip) for ip, _ in found):
            raise UnfetchablePrompt("address_private", host)
        # One that did not answer need not be tried first for every row.
        return sorted(dict.fromkeys(found), key=lambda endpoint: endpoint != self._worked.get(host))

    async def _first_answer(self, address: Address, endpoints: Sequence[Endpoint], limit: asyncio.Timeout) -> bytes:
        detail = f"{address.host} has no IP address"
        for endpoint in endpoints:
            try:
                content = await self._content(ask(address, endpoint, _left_s(limit)))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                detail = shorten(str(error) or type(error).__name__, _LONGEST_DETAIL, placeholder=" ...")
            else:
                self._worked[address.host] = endpoint
                return content
        raise UnfetchablePrompt("address_unreachable", detail)

    async def _content(self, request: httpx2.Request) -> bytes:
        response = await self._transport.handle_async_request(request)
        try:
            refuse_status(response.status_code)
            refuse_headers(response.headers, self._network.max_bytes)
            content = bytearray()
            async with aclosing(response.aiter_raw()) as chunks:
                async for chunk in chunks:
                    content += chunk
                    refuse_size(len(content), self._network.max_bytes)
            return bytes(content)
        finally:
            await response.aclose()


def _left_s(limit: asyncio.Timeout) -> float:
    ends_at = limit.when()
    return 0.0 if ends_at is None else max(0.0, ends_at - asyncio.get_running_loop().time())

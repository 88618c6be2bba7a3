"""HTTP: one body there, one reply back.

Rules, in order:

1. One session for each endpoint, whose connections are kept and reused, as many as requests may be in flight.
2. A redirect is not followed: the key would follow it to an address that nobody configured.
3. A reply is read up to a limit: a larger one is refused before it is held in memory. A deadline covers everything
   from connecting to the last byte, so an endpoint that never ends costs one deadline.
4. Proxies of the environment are used (`HTTPS_PROXY`, `NO_PROXY`), but not for this machine and private networks.
   Nothing else of the environment counts: a password in ~/.netrc would replace the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmops.adapters.keys import is_private, origin
from llmops.adapters.models.asking.failures import AttemptFailed, Cause, failed
from llmops.adapters.models.asking.streams import LARGEST_STREAM_BYTES, ErrorEvent, Joining
from llmops.adapters.models.bodies import MalformedReply

if TYPE_CHECKING:
    from aiohttp import ClientResponse

LARGEST_REPLY_BYTES = 1_000_000
KEEP_ALIVE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A reply. `joining` are the pieces where it was streamed (`data` is then empty)."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    joining: Joining | None = None
    ttft_ms: int | None = None


class Transport:
    """Connections to the addresses of one endpoint. Made within the event loop that it serves."""

    def __init__(self, *, connections: int) -> None:
        import aiohttp

        connector = aiohttp.TCPConnector(
            limit=connections, keepalive_timeout=KEEP_ALIVE_SECONDS, ttl_dns_cache=300, use_dns_cache=True
        )
        self._proxies: dict[str, str | None] = {}
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"User-Agent": "llmops"},
        )

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, timeout: float, most: int = LARGEST_REPLY_BYTES
    ) -> Received:
        """The reply, whatever its status. Raises: AttemptFailed; MalformedReply, ErrorEvent of a stream."""
        import aiohttp

        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                async with self._session.post(
                    url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy(url)
                ) as response:
                    return await _received(response, most, started)
        except (MalformedReply, ErrorEvent):
            raise
        except TimeoutError as error:
            raise failed(Cause.TIMEOUT, f"no answer within {timeout:g} s") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise _no_certificate(url, error) from error
        except aiohttp.ClientConnectorDNSError as error:
            what = f"no connection: nobody knows the address of {_host(url)} ({error.os_error})"
            raise failed(Cause.CONNECTION, what, "check `base_url` of the model in llmops.yaml, and DNS") from error
        except aiohttp.InvalidURL as error:
            raise failed(Cause.REDIRECT, f"{_plain(url)} is no address") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failed(Cause.CONNECTION, f"no connection: {_words(error)} ({_plain(url)})") from error

    async def close(self) -> None:
        await self._session.close()

    def _proxy(self, url: str) -> str | None:
        if url not in self._proxies:
            self._proxies[url] = proxy_for(url)
        return self._proxies[url]

    def drop(self) -> None:
        """Close from where nobody can wait: its first step closes the connections, the rest only waits for that."""
        closing = self._session.close()
        with contextlib.suppress(StopIteration):
            closing.send(None)
        closing.close()


async def _received(response: ClientResponse, most: int, started: float) -> Received:
    if 300 <= response.status < 400:
        raise _redirected(response)
    headers = {name.lower(): value for name, value in response.headers.items()} if response.status >= 400 else {}
    if response.status == 200 and response.content_type == "text/event-stream":
        return await _streamed(response, most, started)
    data = await _whole(response, most)
    return Received(status=response.status, headers=headers, data=data)


async def _whole(response: ClientResponse, most: int) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > most:
            raise _too_large(most)
    return bytes(data)


async def _streamed(response: ClientResponse, most: int, started: float) -> Received:
    joining = Joining()
    ttft_ms, total = None, 0
    async for chunk in response.content.iter_any():
        total += len(chunk)
        joining.feed(chunk)
        if ttft_ms is None and joining.has_token:
            ttft_ms = round((time.perf_counter() - started) * 1000)
        if joining.size > most or total > LARGEST_STREAM_BYTES:
            raise _too_large(most if joining.size > most else LARGEST_STREAM_BYTES)
    return Received(status=200, headers={}, data=b"", joining=joining, ttft_ms=ttft_ms)


def _too_large(most: int) -> AttemptFailed:
    return failed(Cause.TOO_LARGE, f"a reply of more than {most:,} bytes")


def _redirected(response: ClientResponse) -> AttemptFailed:
    location = origin(response.headers.get("Location", ""))
    return failed(
        Cause.REDIRECT,
        f"HTTP {response.status}: {_plain(str(response.url))} sends requests on to {location or 'another path'}; "
        "no redirect is followed, the key would go along",
        "write the address that answers into `base_url` of the model in llmops.yaml, if you trust it with the key",
    )


def _no_certificate(url: str, error: Exception) -> AttemptFailed:
    return failed(
        Cause.CERTIFICATE,
        f"no trusted connection to {_host(url)}: {_words(error)}",
        "let SSL_CERT_FILE name the certificate of your proxy or endpoint, or mend `base_url` in llmops.yaml",
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _plain(url: str) -> str:
    """The address without what may be secret: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url`."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_private(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)

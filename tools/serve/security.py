"""Refuses requests that come neither from the page itself nor from a program of the user."""

import hmac
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHORTEST_TOKEN = 16
MOST_BYTES = 32_000_000  # of an uploaded file
MOST_REQUEST = MOST_BYTES + 100_000  # with the form around it
TOO_LARGE = f"a request has at most {MOST_REQUEST} bytes"
COOKIE = "seq2seq-ocr-token"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """Who may come in.

    Attributes:
        token: that every request must carry; None: none.
        loopback_only: whether the server is to be addressed as this machine. A page of another site could otherwise
            reach it by a name of its own that it lets point here (DNS rebinding).
    """

    token: str | None = None
    loopback_only: bool = True


class Guard:
    """ASGI middleware: Host, Origin, token and size of requests; security headers of responses."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._refusal(scope, Headers(scope=scope))
        if answer:
            await answer(scope, receive, send_with_headers)
        else:
            await self._app(scope, self._limited(receive), send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        name = _host_name(host)
        if not name or (self._access.loopback_only and not is_loopback(name)):
            return _refused(421, "this name is not served; use http://127.0.0.1, or start the server with --token")
        if _is_cross_site(scope, headers, host):
            return _refused(403, "requests of other sites are refused")
        if self._access.token:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
            if scope["path"] == "/" and given and self._is_token(given[0]):
                return _signed_in(given[0], scope)
            if not any(map(self._is_token, _tokens(headers))):
                return _refused(401, "send the header `Authorization: Bearer TOKEN`, or open /?token=TOKEN once")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return _refused(400, "Content-Length is no number")
        return _refused(413, TOO_LARGE) if int(length) > MOST_REQUEST else None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._access.token or "").encode())

    def _limited(self, receive: Receive) -> Receive:
        """Bounds a body whose length was not announced."""
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MOST_REQUEST:
                raise HTTPException(413, TOO_LARGE)
            return message

        return limited


def is_loopback(host: str) -> bool:
    """Whether a server at this address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """Returns the name of a Host header without its port; nothing if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.netloc == host and "@" not in host else ""


def _address(origin: str) -> str | None:
    """Returns name and port of an Origin header; nothing if it is malformed."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_cross_site(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a browser sent this for the page of another site; other programs send neither of the headers."""
    origin = headers.get("origin")
    if origin is not None and _address(origin) != host:
        return True
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return False
    # A link to the page is harmless.
    return not (scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate")


def _tokens(headers: Headers) -> Iterator[str]:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip()
    # http.cookies gives up at the first odd cookie, such as one of another program on this host.
    cookies = cookie_parser(headers.get("cookie", ""))
    yield from (value for name, value in cookies.items() if name.startswith(COOKIE))


def _signed_in(token: str, scope: Scope) -> Response:
    """Takes the token out of the address, where history and screenshots would keep it."""
    answer = RedirectResponse("/", 303)
    # Servers on other ports of this host get, and could replace, the same cookies.
    _, port = scope["server"]
    answer.set_cookie(f"{COOKIE}-{port}", token, httponly=True, samesite="lax", max_age=30 * 86400)
    return answer


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"detail": reason}, status)

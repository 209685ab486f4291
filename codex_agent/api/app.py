# SPDX-License-Identifier: Apache-2.0
"""The routes of the service and their description (OpenAPI)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Body, Depends, FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import codex_agent
from codex_agent.api import pages, realtime
from codex_agent.api import repos as repositories
from codex_agent.api.auth import COOKIE, SESSION_S
from codex_agent.api.description import describe
from codex_agent.api.envelope import ApiError, Envelope, answer, encode
from codex_agent.api.limits import BodyLimit
from codex_agent.api.outer import REALTIME, Outer, defect
from codex_agent.api.repos.common import NotModified
from codex_agent.api.repos.live import follow
from codex_agent.api.repos.notes import OPERATOR
from codex_agent.api.service import Readiness, Service
from codex_agent.host.model import HostSnapshot
from codex_agent.host.plain import plain
from codex_agent.host.reading import Unreadable
from codex_agent.kernel.figures import KernelStats
from codex_agent.problem import shown
from codex_agent.update.known import Answer, Updates

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp


class SessionRequest(BaseModel):
    """What opens a session."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=512, description="The token of this host.")
    name: str | None = Field(
        default=None, min_length=1, max_length=64, description="What its holder is called."
    )


class UpdateLook(BaseModel):
    """A look at what the configured source offers."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["check"]


class UpdateChange(BaseModel):
    """The update to the version that is offered, the way back to the other one, or the restart."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["apply", "rollback", "restart"]
    version: str = Field(
        max_length=64,
        pattern=r"^[0-9][0-9A-Za-z.~^-]*$",
        description="What is offered, to go back to, or starts next; another one is refused.",
    )


_ERRORS = {
    400: "The body is not valid JSON.",
    401: "Token or session are missing or wrong.",
    403: "A page of another origin asks.",
    409: "Not now, or not this: `code` says which of the refusals of `codex update` it is.",
    413: "The body is longer than 64 KiB.",
    421: "The Host header names another host.",
    422: "The body does not have the shape that is described.",
    429: "Too many wrong tokens; see Retry-After.",
    503: "The host cannot be read now.",
}


def errors(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of error answers, which all have the one shape."""
    # The words are ours: those of Python's http module differ between its versions.
    return {code: {"model": Envelope[None], "description": _ERRORS[code]} for code in codes}


def create(service: Service) -> ASGIApp:
    """Return the whole application with its layers."""
    return Outer(BodyLimit(routes(service)), service.gatekeeper)


def routes(service: Service) -> FastAPI:
    """Return the routes alone; their description is made from them."""
    app = FastAPI(
        title="Codex OS agent",
        version=codex_agent.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=service.lifespan,
    )
    _handle_errors(app)

    bearer = HTTPBearer(auto_error=False, description="The token of this host.")
    cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Made by POST /api/session.")

    async def signed_in(request: Request) -> None:
        service.guard.check(request)

    known = [Depends(bearer), Depends(cookie), Depends(signed_in)]

    @app.get("/health", response_class=PlainTextResponse, tags=["health"], responses=errors(421))
    async def health() -> Response:
        """Say that the service answers; no token is needed."""
        return PlainTextResponse("OK\n")

    @app.get(
        "/health/ready",
        dependencies=known,
        response_model=Envelope[Readiness],
        responses={
            **errors(401, 421, 429),
            503: {"model": Envelope[Readiness], "description": "Something is missing."},
        },
        tags=["health"],
    )
    async def ready() -> Response:
        """Say whether the service can do its work, and what is missing."""
        found = await service.readiness()
        if found.ready:
            return answer(plain(found))
        text = "; ".join(c.message for c in found.checks if c.state != "ok")
        error = {"code": "not_ready", "message": text, "hint": "See the checks in data."}
        content = {"success": False, "data": plain(found), "error": error}
        return Response(encode(content), 503, media_type="application/json")

    @app.get(
        "/api/host",
        dependencies=known,
        response_model=Envelope[HostSnapshot],
        responses=errors(401, 421, 429, 503),
        tags=["host"],
    )
    async def host() -> Response:
        """Return all that is known about this host, each value with its source and age."""
        return answer(plain(await service.host()))

    @app.get(
        "/api/kernel/stats",
        dependencies=known,
        response_model=Envelope[KernelStats],
        responses=errors(401, 421, 429, 503),
        tags=["host"],
    )
    async def kernel_stats() -> Response:
        """Return how each kernel service stands: its figures, or null with the reason."""
        return answer(plain(await service.kernel_stats()))

    @app.get(
        "/api/updates",
        dependencies=known,
        response_model=Envelope[Updates],
        responses=errors(401, 421, 429),
        tags=["updates"],
    )
    async def updates() -> Response:
        """Return how updates stand: as root has written it down, or null with the reason."""
        return answer(plain(service.updates()))

    @app.post(
        "/api/updates",
        dependencies=known,
        status_code=202,
        response_model=Envelope[Answer],
        responses=errors(400, 401, 403, 409, 413, 421, 422, 429, 503),
        tags=["updates"],
    )
    async def ask(
        wanted: Annotated[UpdateLook | UpdateChange, Body(discriminator="action")],
    ) -> Response:
        """Ask for a look, an update, the way back or a restart; 202 says that it begins."""
        return answer(plain(await service.ask(wanted.model_dump())), 202)

    @app.post(
        "/api/session",
        status_code=204,
        responses=errors(400, 401, 403, 413, 421, 422, 429),
        tags=["session"],
    )
    async def sign_in(request: Request, wanted: SessionRequest) -> Response:
        """Open a session of 12 hours for a browser; answers with a cookie."""
        if not service.guard.is_token(wanted.token):
            client = request.client.host if request.client else "-"
            hint = "sudo codex token show prints the right one."
            raise service.guard.refuse(client, "The token is not the one of this host.", hint)
        if wanted.name is not None and (
            shown(wanted.name) != wanted.name or wanted.name == OPERATOR
        ):
            text = "This cannot be the name of a session."
            raise ApiError(422, "invalid", text, "A name is one line that can be shown.")
        response = Response(status_code=204)
        response.set_cookie(
            COOKIE,
            service.guard.open_session(wanted.name),
            max_age=SESSION_S,
            path="/",
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return response

    @app.delete("/api/session", status_code=204, responses=errors(403, 421), tags=["session"])
    async def sign_out(request: Request) -> Response:
        """End the session; ending none is no error."""
        name = request.cookies.get(COOKIE)
        if name is not None:
            service.guard.close_session(name)
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return response

    app.include_router(repositories.router(service.repos, service.guard, known))

    @app.get("/openapi.json", dependencies=known, include_in_schema=False)
    async def openapi() -> Response:
        return Response(encode(describe(app)), media_type="application/json")

    @app.websocket(REALTIME)
    async def changes(socket: WebSocket) -> None:
        def check(connection: HTTPConnection) -> None:
            service.gatekeeper.check_origin(connection, service.gatekeeper.check_host(connection))
            service.guard.check(connection)

        await realtime.serve(
            socket, service.hub, service.identity.version, check,
            lambda wake: follow(service.repos, socket, wake),
        )  # fmt: skip

    async def page(request: Request) -> Response:
        return pages.answer(service.pages, request)

    for path in ("/", "/assets/{rest:path}", "/{name}"):
        app.router.routes.append(Route(path, page, methods=["GET", "HEAD"]))
    return app


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def ours(_request: Request, error: ApiError) -> Response:
        return error.response()

    @app.exception_handler(NotModified)
    async def unchanged(_request: Request, same: NotModified) -> Response:
        return same.response()

    @app.exception_handler(Unreadable)
    async def unreadable(_request: Request, error: Unreadable) -> Response:
        text = f"The host cannot be read now: {error.reason}."
        return ApiError(503, "unavailable", text, "Try again in a moment.").response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        # What was sent may be a token: it is never repeated in the answer.
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            text = "The body of the request is not valid JSON."
            return ApiError(400, "bad_json", text, "Send an object as JSON.").response()
        place = ".".join(str(part) for part in first["loc"][:3])
        text = f"The request is not valid: {place}: {first['msg']}."
        return ApiError(422, "invalid", text, "See /openapi.json.").response()

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            text = "There is nothing at this address."
            return ApiError(404, "not_found", text, "See /openapi.json.").response()
        if error.status_code == 405:
            allowed = ", ".join(_methods(app, request.url.path))
            text = f"{request.method} is not possible here."
            hint = f"Possible are: {allowed}."
            return ApiError(405, "method_not_allowed", text, hint, {"Allow": allowed}).response()
        if error.status_code == 400:
            # The one thing that the framework says this about.
            text = "The body of the request is not valid JSON."
            return ApiError(400, "bad_json", text, "Send an object as JSON.").response()
        text, hint = "The request cannot be served.", "See /openapi.json."
        return ApiError(error.status_code, "bad_request", text, hint).response()

    @app.exception_handler(Exception)
    async def unexpected(request: Request, _error: Exception) -> Response:
        # The error goes on to the outermost layer, which writes it to the journal.
        return defect(request.scope.get("codex.request_id", "-")).response()


def _methods(app: FastAPI, path: str) -> list[str]:
    found: set[str] = set()
    for route in app.routes:
        match = getattr(route, "path_regex", None)
        methods = getattr(route, "methods", None)
        if match is not None and methods and match.match(path):
            found |= methods
    return sorted(found)

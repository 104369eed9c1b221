"""A token on every path of the server but /health.

vLLM's own --api-key guards /v1 and a few others; its development endpoints, which can run code, stay open. This is an
ASGI middleware for vLLM's `--middleware open_r1.rollouts.token_guard.TokenGuard`; the token comes by environment, so
that it stands in no process list.
"""

import os
import secrets

VARIABLE = "OPEN_R1_ROLLOUT_TOKEN"
OPEN_PATHS = {"/health"}


class TokenGuard:
    """Answers 401 to every request without `Authorization: Bearer TOKEN`, websockets included."""

    def __init__(self, app):
        self.app = app
        self.expected = f"Bearer {os.environ[VARIABLE]}".encode()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS:
            return await self.app(scope, receive, send)
        given = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(given, self.expected):
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"error": "this server wants its token"}'})

"""The token guard in front of an application that answers everything."""

import asyncio

import pytest

from open_r1.rollouts.token_guard import VARIABLE, TokenGuard


def statuses(monkeypatch, scope: dict) -> list:
    """What the guard sends for a request, where the application behind it would send 'let through'."""
    monkeypatch.setenv(VARIABLE, "s3cret")
    sent = []

    async def send(message):
        sent.append(message.get("status") or message.get("code"))

    async def application(scope, receive, send):
        sent.append("let through")

    asyncio.run(TokenGuard(application)(scope, None, send))
    return [status for status in sent if status]


def request(path: str, token: str | None = None, kind: str = "http") -> dict:
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return {"type": kind, "path": path, "headers": headers, "method": "POST"}


@pytest.mark.parametrize("path", ["/collective_rpc", "/v1/models", "/metrics", "/health/../collective_rpc", "/"])
@pytest.mark.parametrize("token", [None, "wrong", "s3cret "])
def test_no_path_answers_without_the_token(monkeypatch, path, token):
    assert statuses(monkeypatch, request(path, token)) == [401]


def test_the_token_opens_every_path_and_health_needs_none(monkeypatch):
    assert statuses(monkeypatch, request("/collective_rpc", "s3cret")) == ["let through"]
    assert statuses(monkeypatch, request("/health")) == ["let through"]


def test_websockets_are_closed_and_start_up_passes(monkeypatch):
    assert statuses(monkeypatch, request("/v1/realtime", kind="websocket")) == [1008]
    assert statuses(monkeypatch, {"type": "lifespan"}) == ["let through"]


def test_a_server_without_a_token_does_not_start(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(KeyError):
        TokenGuard(None)

"""An OpenAI-compatible server that answers at once, for what needs no model: loss, restarts, resuming, speed."""

import json
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from stand_in_server import Handler, serving


class StandIn(ThreadingHTTPServer):
    """Answers every chat with `text`, or what it makes of the user message; `asked` are the user messages in order, those with `refuse` in them get a 400."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(
        self,
        text: str | Callable[[str], str] = "<think>x</think><answer>B</answer>",
        delay: float = 0.0,
        port: int = 0,
    ):
        super().__init__(("127.0.0.1", port), _Handler)
        self.text, self.delay, self.refuse = text, delay, ""
        self.refused = 0
        self.asked: list[str] = []
        self.seeds: list[int | None] = []

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """A client that was killed is no news."""


class _Handler(Handler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.refuse and self.server.refuse in request["messages"][-1]["content"]:
            self.server.refused += 1
            self.answer_json(400, {"error": {"message": "the prompt is too long", "code": 400}})
            return
        time.sleep(self.server.delay)
        self.server.asked.append(request["messages"][-1]["content"])
        self.server.seeds.append(request.get("seed"))
        text = self.server.text
        if callable(text):
            text = text(request["messages"][-1]["content"])
        message = {"role": "assistant", "content": text}
        self.answer_json(
            200,
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": request["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
            },
        )


@contextmanager
def stand_in(**settings):
    """A stand-in on a free port, gone at the end."""
    with serving(StandIn(**settings)) as server:
        yield server

"""A chat model that says what a test wants: a real server on loopback that speaks the chat completions API."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[dict[str, Any]], str]


class AModel:
    """`requests` are the bodies that came, `address` is its base URL. A reply that raises is a 400."""

    def __init__(self, reply: Reply) -> None:
        self.requests: list[dict[str, Any]] = []
        self.reply = reply
        self.address = ""

    def answered(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.requests.append(body)
        try:
            text = self.reply(body)
        except ValueError as error:
            return 400, {"error": {"message": str(error), "type": "invalid_request_error"}}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 31, "completion_tokens": 9, "total_tokens": 40}
        said = {"id": "c-1", "object": "chat.completion", "created": 1, "model": body["model"], "usage": usage}
        return 200, {**said, "choices": [choice]}


@contextmanager
def a_model(reply: Reply) -> Iterator[AModel]:
    model = AModel(reply)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, said = model.answered(body) if self.path == "/v1/chat/completions" else (404, {})
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are in `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""An order's trace from the door to the venue, posted to an OTLP receiver on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.real_floor import TOKEN, real_floor

pytestmark = pytest.mark.asyncio
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STAGES = ("order.risk", "order.commit", "order.send", "order.fold")


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted to `/v1/traces`, decoded."""

    spans: list[Span]
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        del format, args


@contextmanager
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    kept = type("Kept", (Receiver,), {"spans": [], "bodies": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kept)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_a_submit_is_one_trace_of_the_caller_from_the_door_to_the_fold(tmp_path: Path) -> None:
    order = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1", "reason": "a secret plan"}
    with receiver() as (endpoint, kept):
        async with real_floor(tmp_path, TELEMETRY__ENDPOINT=endpoint) as house:
            reply = await house.http.post("/api/v1/paper/orders", json=order, headers={"traceparent": CALLER})
            assert reply.status_code == 201, reply.text
            cancel = await house.http.delete("/api/v1/paper/orders", headers={"X-Floorbroker-Request": "1"})
            assert cancel.status_code < 500
        spans = {span.name: span for span in kept.spans if span.trace_id.hex() == CALLER[3:35]}
        assert set(spans) == {"door.request", "order.submit", *STAGES}
        door, submit = spans["door.request"], spans["order.submit"]
        assert door.parent_span_id.hex() == CALLER[36:52]
        assert reply.headers["traceparent"] == f"{CALLER[:36]}{door.span_id.hex()}-01"
        assert submit.parent_span_id == door.span_id
        assert {spans[name].parent_span_id for name in STAGES} == {submit.span_id}
        ends = [spans[name].end_time_unix_nano for name in STAGES]
        assert ends == sorted(ends)
        told = {attribute.key: attribute.value.string_value for attribute in door.attributes}
        assert told == {"method": "POST", "route": "submit_order", "status": "201"}
        posted = b"".join(kept.bodies)
        assert TOKEN.encode() not in posted
        assert b"secret plan" not in posted


async def test_without_an_endpoint_no_reply_speaks_of_traces(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as house:
        reply = await house.http.get("/healthz", headers={"traceparent": CALLER})
        assert "traceparent" not in reply.headers

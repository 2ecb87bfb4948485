"""Many readers of a stream in one process: frames are counted by their bytes, and one reader looks at times and numbers.

STREAM_URL=… STREAM_TOKEN=… python -m benchmarks.stream_clients      answers `join COUNT`, `hear EVENTS`
"""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime

import picows

from benchmarks.peers.speak import Answer, prepare, serve_async, told

EVENT, PATIENCE_S = b'"type":"event"', 120.0
HELLO = json.dumps({"op": "auth", "token": os.environ.get("STREAM_TOKEN", "")}).encode()
WISH = json.dumps({"op": "subscribe", "id": "1", "channels": ["orders"]}).encode()


class Reader(picows.WSListener):
    """Counts events.  A `watchful` one reads them: how late each is, and whether one is missing."""

    def __init__(self, *, watchful: bool) -> None:
        self.heard = 0
        self.is_ready = asyncio.Event()
        self.late_ns: list[int] = []
        self.numbers: list[int] = []
        self._watchful = watchful

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        transport.send(picows.WSMsgType.TEXT, HELLO)
        transport.send(picows.WSMsgType.TEXT, WISH)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        del transport
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        self.is_ready.set()
        self.heard += payload.count(EVENT)
        if self._watchful:
            self._look(json.loads(payload))

    def _look(self, found: object) -> None:
        now = datetime.now(UTC)
        for one in found if isinstance(found, list) else [found]:
            if one["type"] == "event":
                self.late_ns.append(int((now - datetime.fromisoformat(one["ts"])).total_seconds() * 1e9))
                self.numbers.append(one["seq"])


async def main() -> None:
    readers: list[Reader] = []

    async def join(count: int) -> Answer:
        for _ in range(count):
            made = Reader(watchful=not readers)
            _, reader = await picows.ws_connect(lambda made=made: made, os.environ["STREAM_URL"])
            assert isinstance(reader, Reader)
            readers.append(reader)
        for reader in readers:
            await asyncio.wait_for(reader.is_ready.wait(), PATIENCE_S)
        return {"readers": len(readers)}

    async def hear(count: int) -> Answer:
        """Until each has heard so many more than at the last asking; how late the watchful one's were."""
        wanted = {id(reader): reader.heard + count for reader in readers}
        watchful = readers[0]
        watchful.late_ns.clear()
        watchful.numbers.clear()
        async with asyncio.timeout(PATIENCE_S):
            while any(reader.heard < wanted[id(reader)] for reader in readers):  # noqa: ASYNC110 - nobody tells of the last
                await asyncio.sleep(0.05)
        numbers = watchful.numbers
        assert numbers == list(range(numbers[0], numbers[0] + count)), "an event is missing or came twice"
        return told(watchful.late_ns, 1.0)

    await serve_async({"join": join, "hear": hear}, "floorbroker", "picows")


if __name__ == "__main__":
    prepare(cpu=1)
    asyncio.run(main())

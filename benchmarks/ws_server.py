"""A server that sends the same WebSocket frames as fast as they are read: depth updates of about 300 bytes.

python -m benchmarks.ws_server COUNT

It says where it listens on one line, as JSON, and serves one connection after the other until its input ends.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import struct
import sys
import threading

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LEVELS = 5
CHUNK = 200


def message(number: int) -> bytes:
    """One depth update; its numbers follow the one before."""
    levels = ",".join(f'["{60_000 - (number + n) % 50}.01000000","0.{n + 1}1200000"]' for n in range(LEVELS))
    asks = ",".join(f'["{60_100 + (number + n) % 50}.01000000","0.{n + 1}1200000"]' for n in range(LEVELS - 1))
    text = (
        f'{{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":{number},"u":{number},"b":[{levels}],"a":[{asks}]}}'
    )
    return text.encode()


def framed(data: bytes) -> bytes:
    """As a text frame of a server."""
    return b"\x81\x7e" + struct.pack(">H", len(data)) + data


def main() -> None:
    count = int(sys.argv[1])
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    frames = [framed(message(number)) for number in range(1, count + 1)]
    chunks = [b"".join(frames[at : at + CHUNK]) for at in range(0, count, CHUNK)]
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    sys.stdout.write(json.dumps({"url": f"ws://{host}:{port}/"}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=_serve, args=(listening, chunks), daemon=True).start()
    sys.stdin.read()


def _serve(listening: socket.socket, chunks: list[bytes]) -> None:
    while True:
        connection, _ = listening.accept()
        try:
            _answer(connection, chunks)
        except OSError:
            continue  # whoever has counted enough goes without a word
        finally:
            connection.close()


def _answer(connection: socket.socket, chunks: list[bytes]) -> None:
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += connection.recv(4096)
    key = next(
        line.partition(b":")[2].strip()
        for line in asked.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    accepted = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accepted
        + b"\r\n\r\n"
    )
    for chunk in chunks:
        connection.sendall(chunk)
    connection.recv(1)


if __name__ == "__main__":
    main()

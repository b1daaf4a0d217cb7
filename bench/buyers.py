"""Tills that buy as fast as the server answers: requests signed just ahead, then sent over raw sockets.

Signing is a phone's and a till's work, not the server's, so it is done before the timed window; the
proofs' times lie within it. What is left for the window is one send and one receive a purchase.
"""

import gc
import json
import random
import selectors
import socket
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bench.region import Region
from cardsvc.credential.proof import make_proof
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.request_signature import sign_request

PATH = "/api/v1/purchases"
# Proofs live 30 s and may be 10 s ahead of the server: signed for the middle of window and signing.
MOST_SECONDS = 20


@dataclass
class Window:
    """One timed window: each answer's latency, and every answer to be looked at afterwards."""

    seconds: float = 0.0
    client_cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    ran_out: bool = False

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """Return a latency in milliseconds."""
        ranked = sorted(self.latencies)
        return 1000 * ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]

    def others(self) -> list[bytes]:
        """Return the answers that aren't a new, whole approval."""
        return [each for each in self.answers if not _is_approved(each)]


def sign_purchases(region: Region, count: int, valid_at: datetime) -> list[bytes]:
    """Return `count` requests, ready to send: another random person each, a fresh proof, own key."""
    buyers = []
    while len(buyers) < count:
        buyers += random.sample(region.phones, len(region.phones))
    requests = []
    for phone in buyers[:count]:
        till = random.choice(region.tills)
        proof = make_proof(phone.key, phone.token, valid_at, random.randbytes(8))
        body = json.dumps(
            {
                "qr": encode_presentation(phone.token, proof),
                "lines": [
                    {"category": "textbooks", "amount_cents": random.randrange(100, 200)},
                    {"category": "books", "amount_cents": random.randrange(50, 100)},
                ],
            }
        ).encode()
        headers = sign_request(till.key, till.id, "POST", PATH, body, str(uuid4()), valid_at)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        requests.append(
            f"POST {PATH} HTTP/1.1\r\nHost: till\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{head}\r\n".encode()
            + body
        )
    return requests


def buy(region: Region, port: int, clients: int, seconds: float, expected: float) -> Window:
    """Buy for `seconds` with `clients` connections, each one request at a time.

    expected: purchases per second that the signed stock is to last for.
    """
    if seconds > MOST_SECONDS:
        raise ValueError(f"proofs don't outlive a window of {MOST_SECONDS} s")
    # Signing takes some seconds; the proofs must be good at its end and at the window's.
    valid_at = datetime.now(UTC) + timedelta(seconds=8)
    stock = sign_purchases(region, int(expected * seconds), valid_at)
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    try:
        return _run(opened, stock, seconds)
    finally:
        for each in opened:
            each.close()


def _run(connections: list[socket.socket], stock: list[bytes], seconds: float) -> Window:
    window = Window()
    selector = selectors.DefaultSelector()
    sent_at: dict[int, float] = {}
    received: dict[int, bytes] = {}
    clock = time.perf_counter
    gc.disable()
    cpu, begin = time.process_time(), clock()
    end = begin + seconds
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        sent_at[connection.fileno()] = clock()
        received[connection.fileno()] = b""
        connection.sendall(stock.pop())
    busy = len(connections)
    while busy:
        for ready, _ in selector.select():
            connection = ready.fileobj
            number = ready.fd
            whole = received[number] + connection.recv(65536)
            if not _is_whole(whole):
                received[number] = whole
                continue
            now = clock()
            window.latencies.append(now - sent_at[number])
            window.answers.append(whole)
            received[number] = b""
            if now < end and stock:
                sent_at[number] = now
                connection.sendall(stock.pop())
            else:
                busy -= 1
    window.seconds = clock() - begin
    window.client_cpu_seconds = time.process_time() - cpu
    window.ran_out = not stock
    gc.enable()
    selector.close()
    return window


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        if not answer:
            raise ConnectionError("the server closed a connection")
        return False
    start = head.lower().index(b"content-length:") + len(b"content-length:")
    return len(body) >= int(head[start:].split(b"\r\n", 1)[0])


def _is_approved(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 201") and json.loads(body).get("outcome") == "approved"

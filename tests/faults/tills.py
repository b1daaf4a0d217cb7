"""Tills that sell one thing after another, and ask again with the same key whenever they don't know."""

import json
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from uuid import uuid4

from bench.buyers import PATH
from bench.region import Phone, Region, Till
from cardsvc.credential.proof import make_proof
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.request_signature import sign_request
from tests.faults.journal import Journal

# A till doesn't wait for ever, and a server that hangs must not stop the campaign.
PATIENCE_SECONDS = 10
GIVES_UP_AFTER_SECONDS = 120
PAUSE_BEFORE_RETRY_SECONDS = 0.1
# Leaves the processors to those that are being started again.
PAUSE_BETWEEN_SALES_SECONDS = 0.03
# Of a hundred sales: sent twice at once (a retry that meets its own first attempt), of a category that
# nothing pays for, half of it paid for, with a QR that was used before.
TWINS, REFUSED, PARTIAL, REPLAYED = 20, 6, 4, 4
# A connection is given up now and then: else all would end up at the process that was never killed.
SALES_A_CONNECTION = 15
# A quarter of the sales are from so few people that they meet at two tills at once.
POPULAR = 6


class TillFailed(Exception):
    """An answer that no fault explains, or none within two minutes."""


@dataclass(frozen=True)
class Sale:
    """One sale, the same however often it is sent."""

    key: str
    till: Till
    body: bytes


class Tills:
    """`count` tills, each a thread with a sale at a time."""

    def __init__(self, region: Region, port: int, journal: Journal, count: int, seed: int) -> None:
        self._region, self._port, self._journal = region, port, journal
        self._stopping = threading.Event()
        self._seed = seed
        self.answered = 0
        self.failures: list[Exception] = []
        self._waiting = [False] * count
        self._threads = [
            threading.Thread(target=self._stand, args=(place,), daemon=True)
            for place in range(count)
        ]

    def start(self) -> None:
        """Open."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin no more sales, and bring those that were begun to their end. Raises `TillFailed`."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self.check()

    def check(self) -> None:
        """Raise what went wrong at a till, if anything did."""
        if self.failures:
            raise self.failures[0]

    def sold(self) -> int:
        """Return how many sales were answered. Raises what went wrong at a till, if anything did."""
        self.check()
        return self.answered

    @property
    def waiting(self) -> int:
        """How many have sent a sale and wait for its answer at this moment."""
        return sum(self._waiting)

    def _stand(self, place: int) -> None:
        rng = random.Random(f"{self._seed}/{place}")
        till = self._region.tills[place % len(self._region.tills)]
        lines = [_Line(self._port), _Line(self._port)]
        shown: str | None = None
        try:
            while not self._stopping.wait(PAUSE_BETWEEN_SALES_SECONDS):
                shown = self._sell(place, rng, till, lines, shown)
                self.answered += 1
        except Exception as failure:  # the main thread raises it
            self.failures.append(failure)
        finally:
            for line in lines:
                line.hang_up()

    def _sell(
        self, place: int, rng: random.Random, till: Till, lines: list["_Line"], shown: str | None
    ) -> str:
        """Sell once, to its answer; return the QR that was shown."""
        chance = rng.randrange(100)
        if shown is None or chance >= REPLAYED:
            shown = _show(self._pick(rng))
        basket, partial = _basket(rng, rng.randrange(100))
        body = json.dumps({"qr": shown, "lines": basket, "accept_partial": partial}).encode()
        sale = Sale(str(uuid4()), till, body)
        self._journal.ask(sale.key, str(till.id), sum(line["amount_cents"] for line in basket))
        twice = rng.randrange(100) < TWINS
        gives_up = time.monotonic() + GIVES_UP_AFTER_SECONDS
        while not self._attempt(place, sale, lines[: 1 + twice]):
            if time.monotonic() > gives_up:
                raise TillFailed(f"no answer to {sale.key} in {GIVES_UP_AFTER_SECONDS} s")
            time.sleep(PAUSE_BEFORE_RETRY_SECONDS)
        return shown

    def _pick(self, rng: random.Random) -> Phone:
        phones = self._region.phones
        return rng.choice(phones[:POPULAR] if rng.randrange(4) == 0 else phones)

    def _attempt(self, place: int, sale: Sale, lines: Sequence["_Line"]) -> bool:
        """Send the sale on each line before listening to any; return whether it was answered."""
        sent = []
        for line in lines:
            number = self._journal.send(sale.key)
            try:
                line.send(sale)
            except OSError as lost:
                line.hang_up()
                self._journal.lose(number, type(lost).__name__)
            else:
                sent.append((line, number))
        self._waiting[place] = True
        answered = [self._listen(line, number) for line, number in sent]
        self._waiting[place] = False
        return any(answered)

    def _listen(self, line: "_Line", number: int) -> bool:
        try:
            status, answer = line.listen()
        except (OSError, HTTPException, ValueError) as lost:
            line.hang_up()
            self._journal.lose(number, type(lost).__name__)
            return False
        if status in (200, 201):
            self._journal.answer(number, status, answer)
            return True
        self._journal.lose(number, f"{status} {answer.get('code')}")
        if status < 500:
            raise TillFailed(f"answered {status}: {answer}")
        return False


class _Line:
    """A till's connection, made when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None
        self._sales = 0

    def send(self, sale: Sale) -> None:
        if self._sales == SALES_A_CONNECTION:
            self.hang_up()
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        self._sales += 1
        signed = sign_request(
            sale.till.key, sale.till.id, "POST", PATH, sale.body, sale.key, datetime.now(UTC)
        )
        headers = {"Content-Type": "application/json", **signed}
        self._connection.request("POST", PATH, sale.body, headers)

    def listen(self) -> tuple[int, dict[str, object]]:
        assert self._connection is not None
        with self._connection.getresponse() as response:
            return response.status, json.loads(response.read())

    def hang_up(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection, self._sales = None, 0


def _show(phone: Phone) -> str:
    proof = make_proof(phone.key, phone.token, datetime.now(UTC), random.randbytes(8))
    return encode_presentation(phone.token, proof)


def _basket(rng: random.Random, chance: int) -> tuple[list[dict[str, object]], bool]:
    """Return lines of some cents, so that nobody's money runs out, and whether a part would do."""
    paid = {"category": rng.choice(["textbooks", "books"]), "amount_cents": rng.randint(1, 5)}
    unpaid = {"category": "cinema", "amount_cents": rng.randint(1, 5)}
    if chance < REFUSED:
        return [unpaid], False
    if chance < REFUSED + PARTIAL:
        return [paid, unpaid], True
    return [paid, {"category": "comics", "amount_cents": rng.randint(1, 5)}], False

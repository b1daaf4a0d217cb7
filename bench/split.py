"""Row `split`: sharing a two-line basket out over three capped entitlements, in microseconds."""

import timeit
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.results import Result
from cardsvc.programmes.spending_plan import read_plan
from cardsvc.programmes.split import BasketLine, EntitlementState, split

TURNS = 2_000
ROUNDS = 15
VERSION = UUID(int=1)
_PLAN = {
    "programme": "livres",
    "season": "bench",
    "lines": [
        {
            "id": "manuels", "categories": ["textbooks"],
            "caps": {"per_purchase": 6_000}, "per_category": {},
        },
        {
            "id": "lecture", "categories": ["books", "comics"],
            "caps": {"per_day": 1_200}, "per_category": {},
        },
        {"id": "bd", "categories": ["comics"], "caps": {"unit_price": 800}, "per_category": {}},
    ],
}  # fmt: skip


def split_row() -> Result:
    """Measure against one bare ES256 verification, in turns."""
    at = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    zone = ZoneInfo("Europe/Paris")
    plans = {VERSION: read_plan(_PLAN)}
    entitlements = [
        EntitlementState(
            UUID(int=10 + place), UUID(int=20 + place), VERSION, line, 7_000, UUID(int=30),
            100 + place, at - timedelta(days=30), at + timedelta(days=30),
        )
        for place, line in enumerate(("manuels", "lecture", "bd"))
    ]  # fmt: skip
    usage = {("livres/bench/lecture/per_day", "2026-11-24"): 300}
    basket = [BasketLine("textbooks", 4_250), BasketLine("books", 790)]
    if split(plans, basket, entitlements, usage, at, zone).approved_cents != 5_040:
        raise RuntimeError("the basket isn't the one that is meant to be measured")
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(hashes.SHA256())
    signature, public_key = key.sign(b"x" * 100, algorithm), key.public_key()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(
            timeit.timeit(lambda: split(plans, basket, entitlements, usage, at, zone), number=TURNS)
        )
        theirs.append(
            timeit.timeit(lambda: public_key.verify(signature, b"x" * 100, algorithm), number=TURNS)
        )
    measured, reference = (median(each) / TURNS * 1e6 for each in (ours, theirs))
    return Result(
        name="split",
        ratio=round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
        measured=round(measured, 1),
        reference=round(reference, 1),
        unit="µs (less is better)",
        note="reference: one ES256 verification by `cryptography`",
    )

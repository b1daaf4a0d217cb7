"""Row `http_purchase`: purchases per second through HTTP ÷ TPC-B with as many clients."""

from statistics import median

import psycopg

from bench.buyers import Window, buy
from bench.installation import Installation, WebServer, postgres_cpu_seconds
from bench.region import Region
from bench.results import Result
from bench.tpcb import tpcb_per_second

CLIENTS = (8, 16)
ROUNDS = 3
MOST_OTHERS = 0.001
# A machine shared with others may give the next window twice what it gave the warm-up.
SPARE = 2.5


def http_purchase(here: Installation, region: Region, seconds: int) -> list[Result]:
    """Measure with each number of clients; every answer must be an approval that is in the books."""
    with here.serving() as web:
        expected = _warm_up(region, web.port, CLIENTS[-1])
        return [_measure(here, region, web, clients, seconds, expected) for clients in CLIENTS]


def _warm_up(region: Region, port: int, clients: int) -> float:
    """Let connections, plans and remembered keys settle; return how many a second to sign for."""
    expected = 600.0
    for _ in range(2):
        window = buy(region, port, clients, 5, expected)
        _check(window)
        expected = max(600.0, SPARE * window.per_second)
    return expected


def _measure(
    here: Installation,
    region: Region,
    web: WebServer,
    clients: int,
    seconds: int,
    expected: float,
) -> Result:
    ratios, speeds, references, p50s, p99s = [], [], [], [], []
    cpu = {"client": 0.0, "web": 0.0, "postgres": 0.0}
    total = 0.0
    before = tpcb_per_second(here.server, clients, seconds)
    for _ in range(ROUNDS):
        booked = _booked(here)
        web_cpu, postgres_cpu = web.cpu_seconds(), postgres_cpu_seconds(here.server)
        window = buy(region, web.port, clients, seconds, expected)
        cpu["web"] += web.cpu_seconds() - web_cpu
        cpu["postgres"] += postgres_cpu_seconds(here.server) - postgres_cpu
        cpu["client"] += window.client_cpu_seconds
        _check(window)
        if _booked(here) - booked != len(window.answers) - len(window.others()):
            raise RuntimeError("the books hold another number of purchases than were approved")
        after = tpcb_per_second(here.server, clients, seconds)
        reference = (before + after) / 2
        before = after
        total += window.seconds
        speeds.append(window.per_second)
        references.append(reference)
        ratios.append(window.per_second / reference)
        p50s.append(window.percentile_ms(50))
        p99s.append(window.percentile_ms(99))
    bought = sum(speeds) / len(speeds) * total
    each_ms = ", ".join(f"{name} {1000 * used / bought:.2f}" for name, used in cpu.items())
    shares = ", ".join(f"{name} {100 * used / total:.0f} %" for name, used in cpu.items())
    return Result(
        name="http_purchase" if clients == CLIENTS[0] else f"http_purchase_{clients}",
        ratio=round(median(ratios), 3),
        measured=round(median(speeds), 1),
        reference=round(median(references), 1),
        unit="per second",
        note=f"{clients} clients, p50 {median(p50s):.1f} ms, p99 {median(p99s):.1f} ms; "
        f"rounds {', '.join(f'{each:.2f}' for each in ratios)}; of one core: {shares}; "
        f"processor ms a purchase: {each_ms}",
    )


def _check(window: Window) -> None:
    others = window.others()
    if len(others) > MOST_OTHERS * len(window.answers):
        raise RuntimeError(
            f"{len(others)} of {len(window.answers)} weren't approved: {others[0]!r}"
        )
    if window.ran_out:
        raise RuntimeError("the signed requests ran out: the figure would be the client's")


def _booked(here: Installation) -> int:
    """Return how many purchases the books hold: a decision with its transfers."""
    with psycopg.connect(here.database.url) as connection:
        row = connection.execute(
            "SELECT count(DISTINCT d.id) FROM merchants.decision d"
            " JOIN ledger.transfer t ON t.correlation_id = d.id AND t.kind = 'capture'"
            " WHERE d.outcome = 'approved'"
        ).fetchone()
    return int(row[0])

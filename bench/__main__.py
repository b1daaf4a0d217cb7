"""`python -m bench`: measure, print, and write bench/results.json."""

import argparse
import sys
import time
from datetime import UTC, datetime

from bench.http_purchase import http_purchase
from bench.installation import new_installation
from bench.ledger_post import ledger_post
from bench.region import settle_region
from bench.results import RESULTS, Result, keep, table
from bench.split import split_row
from bench.tpcb import prepare_tpcb

ROWS = ("split", "ledger_post", "http_purchase")


def main() -> None:
    """Run the rows that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=ROWS, action="append", help="a row; may be repeated")
    parser.add_argument(
        "--seconds", type=int, default=10, choices=range(2, 21), metavar="N",
        help="length of each timed window, 2 to 20 (default 10)",
    )  # fmt: skip
    asked = parser.parse_args()
    results = _run(asked.only or list(ROWS), asked.seconds)
    keep(results)
    print(table(results))
    print(f"written to {RESULTS}")


def _run(rows: list[str], seconds: int) -> list[Result]:
    results = [split_row()] if "split" in rows else []
    if not {"ledger_post", "http_purchase"} & set(rows):
        return results
    with new_installation() as here:
        _say("installing, settling a region")
        region = settle_region(here.database, here.settings, datetime.now(UTC))
        _say("filling pgbench's tables")
        prepare_tpcb(here.server)
        if "ledger_post" in rows:
            _say("ledger_post")
            results.append(ledger_post(here, seconds))
        if "http_purchase" in rows:
            _say("http_purchase")
            results += http_purchase(here, region, seconds)
    return results


_began = time.monotonic()


def _say(what: str) -> None:
    print(f"{time.monotonic() - _began:6.1f} s  {what}", file=sys.stderr, flush=True)


main()

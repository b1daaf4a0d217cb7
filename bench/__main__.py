"""`python -m bench`: measure, print, and write bench/results.json."""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.granting import granting
from bench.growth import growth
from bench.http_purchase import http_purchase
from bench.installation import new_installation
from bench.posting import ROWS as POSTING
from bench.posting import posting_rows
from bench.region import settle_region
from bench.results import RESULTS, Result, keep, table
from bench.sealing import sealing
from bench.settling import settling
from bench.split import split_row
from bench.tpcb import prepare_tpcb

ROWS = ("split", *POSTING, "http_purchase", "granting", "settling", "sealing")
LONG = ("growth",)
"""Takes longer than all the others together."""


def main() -> None:
    """Run the rows that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", choices=(*ROWS, *LONG), action="append",
        help=f"a row; may be repeated (without it: all but {', '.join(LONG)})",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=int, default=10, choices=range(2, 21), metavar="N",
        help="length of each timed window, 2 to 20 (default 10)",
    )  # fmt: skip
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file to write")
    asked = parser.parse_args()
    results = _run(asked.only or list(ROWS), asked.seconds)
    keep(results, asked.results)
    print(table(results))
    print(f"written to {asked.results}")


def _run(rows: list[str], seconds: int) -> list[Result]:
    results = [split_row()] if "split" in rows else []
    posting = [row for row in rows if row in POSTING]
    if posting or "http_purchase" in rows:
        with new_installation() as here:
            _say("filling pgbench's tables")
            prepare_tpcb(here.server)
            if posting:
                _say(", ".join(posting))
                results += posting_rows(here, posting, seconds)
            if "http_purchase" in rows:
                _say("http_purchase")
                region = settle_region(here.database, here.settings, datetime.now(UTC))
                results += http_purchase(here, region, seconds)
    if "sealing" in rows:
        with new_installation() as here:
            _say("sealing")
            results.append(sealing(here))
    if "granting" in rows:
        with new_installation() as here:
            _say("granting")
            results.append(granting(here))
    if "settling" in rows:
        with new_installation() as here:
            _say("settling")
            results += settling(here)
    if "growth" in rows:
        _say("growth")
        results.append(growth(seconds))
    return results


_began = time.monotonic()


def _say(what: str) -> None:
    print(f"{time.monotonic() - _began:6.1f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

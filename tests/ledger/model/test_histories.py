"""Random histories of the whole ledger, from several connections, against a plain model in Python.

`make test` plays ten thousand steps; `make test-ledger` a million, in chunks that each print their seed,
so that one can be played again or the campaign taken up where it stopped.
"""

import os
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from ledger.sealing import seal
from ledger.verify import verify
from tests.ledger.model.action import GROUPS
from tests.ledger.model.machine import Campaign, LedgerMachine
from tests.ledger.model.seal_referee import check_seal

STEPS_A_HISTORY = 250
HISTORIES_A_CHUNK = 40
WANTED = int(os.environ.get("SESAME_LEDGER_STEPS", "5000"))
FIRST_SEED = int(os.environ.get("SESAME_LEDGER_SEED", "1"))
AS_PLAYED = settings(
    stateful_step_count=STEPS_A_HISTORY,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
)
# What a hurried hand might leave of a function: its body, under the same name and signature.
CARELESS = {
    "count_corrected": "BEGIN END",
    "free_lapsed": "BEGIN RETURN 0; END",
    "open_books": "BEGIN PERFORM pg_advisory_xact_lock_shared(7305789); RETURN '-infinity'; END",
    "parts": """
        BEGIN
            RETURN QUERY
            SELECT s.envelope_id, CASE WHEN s.position > 1 THEN p_amount * s.weight / whole.weight
                ELSE p_amount - coalesce((SELECT sum(p_amount * o.weight / whole.weight)
                       FROM ledger.share o WHERE o.share_plan_id = p_share_plan AND o.position > 1), 0)
                END::bigint
              FROM ledger.share s,
                   (SELECT sum(weight)::bigint AS weight FROM ledger.share
                     WHERE share_plan_id = p_share_plan) whole
             WHERE s.share_plan_id = p_share_plan;
        END""",
}


def play(campaign: Campaign, number: int, how: settings) -> None:
    """Play histories whose steps follow from `number`; a failing one is made as short as it gets."""

    class Machine(LedgerMachine):
        pass

    Machine.campaign = campaign
    try:
        run_state_machine_as_test(seed(number)(Machine), settings=how)
    except BaseException:
        print(f"seed {number}, first seen: {campaign.first_failure}")
        raise


@pytest.mark.parametrize(
    "first_seed", [FIRST_SEED] if "SESAME_LEDGER_STEPS" in os.environ else [1, 2]
)
def test_random_steps_from_several_connections_agree_with_the_plain_model(
    make_database, capsys, first_seed
):
    asked: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    number, started = first_seed, time.monotonic()
    while (missing := WANTED - sum(asked.values())) > 0:
        made = make_database()
        histories = min(HISTORIES_A_CHUNK, missing // STEPS_A_HISTORY + 1)
        with closing(Campaign(made)) as campaign:
            play(campaign, number, settings(AS_PLAYED, max_examples=histories))
            check_seal(campaign.referee.connection, whole=False)
            seal(campaign.application, at=datetime(campaign.year, 1, 1, tzinfo=UTC))
            check_seal(campaign.referee.connection, whole=True)
            with campaign.application.sessions() as session:
                found = verify(session)
            assert found.holds, found
        drop(made)
        asked += campaign.asked
        accepted += campaign.accepted
        with capsys.disabled():
            tell(number, asked, accepted, time.monotonic() - started)
        number += 1
    steps = sum(asked.values())
    for group in set(GROUPS.values()):
        assert accepted[group] >= steps * 0.05, group
    assert sum(accepted.values()) >= steps / 2


@pytest.mark.parametrize("function", CARELESS)
def test_a_careless_function_is_caught_within_a_few_hundred_steps(make_database, function):
    made = make_database()
    with psycopg.connect(made.url("postgres"), autocommit=True) as superuser:
        (defined,) = superuser.execute(
            "SELECT pg_get_functiondef(%s::regproc)", [f"ledger.{function}"]
        ).fetchone()
        head = defined.partition("AS $function$")[0]
        superuser.execute(f"{head} AS $function${CARELESS[function]}$function$")
    how = settings(
        AS_PLAYED, max_examples=12, stateful_step_count=100, phases=[Phase.generate]
    )  # fmt: skip
    with closing(Campaign(made)) as campaign:
        with pytest.raises((AssertionError, ExceptionGroup, HypothesisException)):
            play(campaign, 1, how)
        assert "AssertionError" in campaign.first_failure
    drop(made)


def tell(number: int, asked: Counter[str], accepted: Counter[str], seconds: float) -> None:
    steps = sum(asked.values())
    print(f"\nseed {number}: {steps} steps in {seconds:.0f} s, accepted of each kind:")
    for group in dict.fromkeys(GROUPS.values()):
        share = accepted[group] / steps
        print(f"  {group:<22}{accepted[group]:>8} {share:>6.1%}  of {asked[group]} asked")
    print(f"  {'all':<22}{sum(accepted.values()):>8} {sum(accepted.values()) / steps:>6.1%}")


def drop(database) -> None:
    superuser = database.server.url("postgres", "postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database.name} WITH (FORCE)")

"""`sesame card` and `sesame issuer-key`: what staff settle from the command line.

People are named by their card's opaque id alone: a name or an INE would stay in the shell's history.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.cards.issuer import rotate_issuer_key, withdraw_issuer_key
from cardsvc.cards.life import block_card, declare_lost, replace_card, unblock_card
from cardsvc.cards.model import Card, IssuerKeyRow
from cardsvc.cards.reasons import CardMissing
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work

_CARD = click.argument("card_id", type=click.UUID)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
STAFF = "staff_asked"


@click.group()
def card() -> None:
    """Cards: block, unblock, declare lost, replace."""


@card.command("block")
@_CARD
@_JSON
def block_command(card_id: UUID, as_json: bool) -> None:
    """Block a card: it pays nothing until it is unblocked.

    Example: sesame card block 01a20cc8-8e80-78d3-ad39-473536720ad1
    """
    _move(block_card, card_id, as_json)


@card.command("unblock")
@_CARD
@_JSON
def unblock_command(card_id: UUID, as_json: bool) -> None:
    """Let a blocked card pay again.

    Example: sesame card unblock 01a20cc8-8e80-78d3-ad39-473536720ad1
    """
    _move(unblock_card, card_id, as_json)


@card.command("lost")
@_CARD
@_JSON
def lost_command(card_id: UUID, as_json: bool) -> None:
    """End a card that was lost, for good; `replace` gives its holder another.

    Example: sesame card lost 01a20cc8-8e80-78d3-ad39-473536720ad1
    """
    _move(declare_lost, card_id, as_json)


@card.command("replace")
@_CARD
@_JSON
def replace_command(card_id: UUID, as_json: bool) -> None:
    """Open a new card for the holder of one that is lost or expired.

    Example: sesame card replace 01a20cc8-8e80-78d3-ad39-473536720ad1
    """
    with unit_of_work(process().database) as session:
        former = _existing(session, card_id)
        new_id = replace_card(session, former.beneficiary_id, process().clock.now())
        new = _existing(session, new_id)
    _print_card(new, as_json)


@click.group("issuer-key")
def issuer_key() -> None:
    """The keys that sign the cards' tokens."""


@issuer_key.command("list")
@_JSON
def list_command(as_json: bool) -> None:
    """List the keys with their state.

    Example: sesame issuer-key list --json
    """
    with unit_of_work(process().database) as session:
        rows = session.scalars(select(IssuerKeyRow).order_by(IssuerKeyRow.created_at)).all()
    print_answer(
        [
            {"key_id": row.key_id, "issuer": row.issuer, "state": row.state, "at": row.created_at}
            for row in rows
        ],
        as_json=as_json,
        text="\n".join(f"{row.key_id}  {row.issuer}  {row.state}" for row in rows),
    )


@issuer_key.command("rotate")
@_JSON
def rotate_command(as_json: bool) -> None:
    """Sign with a new key from now on; what the former signed stays accepted.

    Example: sesame issuer-key rotate
    """
    with unit_of_work(process().database) as session:
        key_id = rotate_issuer_key(process().settings, session, process().clock.now())
    print_answer({"key_id": key_id}, as_json=as_json, text=key_id)


@issuer_key.command("withdraw")
@click.argument("key_id")
@_JSON
def withdraw_command(key_id: str, as_json: bool) -> None:
    """Accept nothing more that a key signed, because it was stolen: its phones must renew.

    Example: sesame issuer-key withdraw 436b88e8672a3d81
    """
    with unit_of_work(process().database) as session:
        withdraw_issuer_key(session, key_id)
    print_answer({"key_id": key_id, "state": "withdrawn"}, as_json=as_json, text=key_id)


def _move(rule: Callable[..., None], card_id: UUID, as_json: bool) -> None:
    at: datetime = process().clock.now()
    with unit_of_work(process().database) as session:
        rule(session, card_id, at, reason=STAFF)
        moved = _existing(session, card_id)
    _print_card(moved, as_json)


def _existing(session: Session, card_id: UUID) -> Card:
    found = session.get(Card, card_id)
    if found is None:
        raise CardMissing()
    return found


def _print_card(shown: Card, as_json: bool) -> None:
    answer: dict[str, Any] = {"card_id": shown.id, "state": shown.state}
    print_answer(answer, as_json=as_json, text=f"{shown.id}  {shown.state}")

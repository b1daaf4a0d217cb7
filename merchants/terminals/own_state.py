"""What a terminal is told about itself: its state, its shop, and whether it may sell."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from merchants.directory.model import Merchant, Site
from merchants.terminals.model import Terminal
from merchants.terminals.reasons import TerminalUnknown


@dataclass(frozen=True)
class OwnState:
    """A terminal at a moment. convention_state: None when no convention is in force."""

    terminal_id: UUID
    number: int
    state: str
    site_id: UUID
    site_name: str
    merchant_id: UUID
    merchant_name: str
    convention_state: str | None
    categories: tuple[str, ...]
    accepts_partial: bool


def own_state(session: Session, terminal_id: UUID, at: datetime) -> OwnState:
    """Return what the terminal shows of itself. Raises `TerminalUnknown`."""
    state = session.scalar(
        text("SELECT merchants.terminal_state(:terminal, :at)"),
        {"terminal": terminal_id, "at": at},
    )
    if state is None:
        raise TerminalUnknown()
    number, merchant_name = session.execute(
        select(Terminal.number, Merchant.name)
        .join(Site, Site.id == Terminal.site_id)
        .join(Merchant, Merchant.id == Site.merchant_id)
        .where(Terminal.id == terminal_id)
    ).one()
    convention = state["convention"]
    parameters = convention["parameters"] if convention else {}
    return OwnState(
        terminal_id=terminal_id,
        number=number,
        state=state["state"],
        site_id=UUID(state["site_id"]),
        site_name=state["site_name"],
        merchant_id=UUID(state["merchant_id"]),
        merchant_name=merchant_name,
        convention_state=convention["state"] if convention else None,
        categories=tuple(parameters.get("categories", ())),
        accepts_partial=bool(parameters.get("accepts_partial", False)),
    )

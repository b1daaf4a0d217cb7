"""The decision itself, pure: out of the state that was read, what is paid and why not more.

Order of the checks: terminal, convention, credential, card, then line by line. The first that fails
refuses the whole purchase with its one reason; a line that is refused leaves the others be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cardsvc.programmes.spending_plan import SpendingPlan
from cardsvc.programmes.split import BasketLine, CapUse, EntitlementState, Part, SplitLine, split


@dataclass(frozen=True, slots=True)
class Decided:
    """What is answered and kept. reasons: why less than everything, each code once, in order."""

    outcome: str
    amount_cents: int
    approved_cents: int
    lines: tuple[SplitLine, ...]
    reasons: tuple[str, ...] = ()
    cap_uses: tuple[CapUse, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> list[Part]:
        """Every part that an entitlement pays, over all lines."""
        return [part for line in self.lines for part in line.parts]

    @property
    def programme_version_ids(self) -> list[UUID]:
        """The programme versions that pay, each once, in the order in which they do."""
        return list(dict.fromkeys(part.programme_version_id for part in self.parts))

    def kept_lines(self) -> list[dict[str, Any]]:
        """Return the lines as the decision keeps them."""
        return [
            {
                "category": line.category,
                "amount_cents": line.amount_cents,
                "approved_cents": line.approved_cents,
                "reasons": list(line.reasons),
                "parts": [
                    {"entitlement_id": str(part.entitlement_id), "amount_cents": part.amount_cents}
                    for part in line.parts
                ],
            }
            for line in self.lines
        ]


def decide(
    state: Mapping[str, Any],
    credential_refusal: str | None,
    plans: Mapping[UUID, SpendingPlan],
    basket: tuple[BasketLine, ...],
    accept_partial: bool,
    *,
    at: datetime,
    zone: ZoneInfo,
) -> Decided:
    """Decide on a basket.

    state: what `merchants.purchase_state` read. credential_refusal: the code for which the QR isn't
    believed, or None. plans: of every programme version among the card's entitlements.
    """
    refusal = (
        _refused_by_shop(state["terminal"], basket) or credential_refusal or _refused_by_card(state)
    )
    if refusal is not None:
        return _nothing(basket, (refusal,))
    return _share_out(state, plans, basket, accept_partial, at, zone)


def _refused_by_shop(terminal: Mapping[str, Any], basket: tuple[BasketLine, ...]) -> str | None:
    if terminal["state"] != "active":
        return "terminal_not_active"
    convention = terminal["convention"]
    if convention is None or convention["state"] != "active":
        return "convention_not_active"
    ceiling = convention["parameters"].get("max_purchase_cents")
    if ceiling is not None and sum(line.amount_cents for line in basket) > ceiling:
        return "convention_amount_exceeded"
    return None


def _refused_by_card(state: Mapping[str, Any]) -> str | None:
    card = state["card"]
    if card is None:
        return "token_unknown"
    if card["phone_key_state"] != "active":
        return "phone_revoked"
    if card["card_state"] != "active":
        return "card_not_active"
    if state["proof_used"]:
        return "proof_replayed"
    return None


def _share_out(
    state: Mapping[str, Any],
    plans: Mapping[UUID, SpendingPlan],
    basket: tuple[BasketLine, ...],
    accept_partial: bool,
    at: datetime,
    zone: ZoneInfo,
) -> Decided:
    terms = state["terminal"]["convention"]["parameters"]
    agreed = set(terms["categories"])
    card = state["card"]
    entitlements = [_entitlement(each) for each in card["entitlements"]]
    usage = {(each["cap_key"], each["period"]): each["used_cents"] for each in card["usage"]}
    allowed = [line for line in basket if line.category in agreed]
    shared = split(plans, allowed, entitlements, usage, at, zone)
    paid = iter(shared.lines)
    lines = tuple(
        next(paid)
        if line.category in agreed
        else SplitLine(line.category, line.amount_cents, 0, ("category_not_in_convention",), ())
        for line in basket
    )
    amount = sum(line.amount_cents for line in basket)
    approved = sum(line.approved_cents for line in lines)
    reasons = tuple(dict.fromkeys(reason for line in lines for reason in line.reasons))
    figures = {
        "left_cents": {str(each.id): each.balance_cents for each in entitlements},
        "used_cents": {f"{key}@{period}": used for (key, period), used in usage.items()},
    }
    if approved == 0:
        return _nothing(basket, reasons, lines, figures)
    if approved < amount and not (accept_partial and terms["accepts_partial"]):
        return _nothing(basket, ("partial_not_accepted", *reasons), lines, figures)
    outcome = "approved" if approved == amount else "partial"
    return Decided(outcome, amount, approved, lines, reasons, shared.cap_uses, figures)


def _nothing(
    basket: tuple[BasketLine, ...],
    reasons: tuple[str, ...],
    lines: tuple[SplitLine, ...] | None = None,
    figures: dict[str, Any] | None = None,
) -> Decided:
    """Refuse the whole basket. A line that was split keeps its own reason, but gets nothing."""
    kept = lines or tuple(SplitLine(line.category, line.amount_cents, 0, (), ()) for line in basket)
    refused = tuple(
        SplitLine(line.category, line.amount_cents, 0, line.reasons or reasons[:1], ())
        for line in kept
    )
    amount = sum(line.amount_cents for line in basket)
    return Decided("refused", amount, 0, refused, reasons, (), figures or {})


def _entitlement(row: Mapping[str, Any]) -> EntitlementState:
    return EntitlementState(
        id=UUID(row["id"]),
        account_id=UUID(row["account_id"]),
        programme_version_id=UUID(row["programme_version_id"]),
        line=row["line"],
        balance_cents=row["balance_cents"],
        paying_envelope_id=UUID(row["paying_envelope_id"]),
        priority=row["priority"],
        valid_from=datetime.fromisoformat(row["valid_from"]),
        valid_until=datetime.fromisoformat(row["valid_until"]),
    )

"""What is wrong with this terminal, in words, and what became of sales without an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .amounts import format_amount
from .enrolment import load_enrolment
from .refusals import AgentRefused, AnswerUnknown
from .sale import NotBooked, Till
from .server import HTTP_OK, Answer, AnswerLost, NotSent
from .wording import Lang, say

# A phone's proof is refused when it seems to be made more than ten seconds from now; half of it
# belongs to the phone's own clock.
CLOCK_TOLERANCE_SECONDS = 5
_OWN_STATE_PATH = "/api/v1/terminals/me"
_UNAUTHORISED, _FORBIDDEN = 401, 403


@dataclass(frozen=True)
class Finding:
    """One thing to know. `is_wrong`: it keeps the shop from selling, or leaves a sale in doubt."""

    code: str
    is_wrong: bool
    sentence: str


def check_up(home: Path, lang: Lang, make_till: Callable[..., Till] = Till) -> list[Finding]:
    """Look at everything between this terminal and a sale, and settle pending sales.

    :param make_till: takes the folder, the enrolment and `lang`.
    """
    try:
        enrolment = load_enrolment(home)
    except AgentRefused as refusal:
        return [Finding(refusal.code, True, say(refusal.code, lang))]
    till = make_till(home, enrolment, lang=lang)
    try:
        answer = till.signed("GET", _OWN_STATE_PATH)
    except (NotSent, AnswerLost):
        return [Finding("server_unreachable", True, say("server_unreachable", lang))]
    wrong = [*_clock(answer, till.clock(), lang), *_terminal(answer, lang)]
    if not wrong:
        wrong = [Finding("all_well", False, say("all_well", lang, site=enrolment.site_name))]
    return [*wrong, *settle_pending(till, lang)]


def settle_pending(till: Till, lang: Lang) -> list[Finding]:
    """Ask the server about each sale whose answer is not known, and say what it answered."""
    findings = []
    for sale in till.pending.all():
        facts = {
            "amount": format_amount(sale.amount_cents, lang),
            "when": sale.last_sent_at.astimezone().strftime("%d/%m %H:%M"),
        }
        try:
            decision = till.look_up(sale.idempotency_key)
        except AnswerUnknown:
            code, is_wrong = "pending_unknown", True
        except NotBooked:
            code, is_wrong = "pending_not_booked", False
        else:
            code, is_wrong = "pending_decided", False
            facts["outcome"] = say(decision.outcome, lang).lower()
        findings.append(Finding(code, is_wrong, say(code, lang, **facts)))
    return findings


def _clock(answer: Answer, now: datetime, lang: Lang) -> list[Finding]:
    if answer.date is None:
        return []
    fast_seconds = round((now - answer.date).total_seconds())
    if abs(fast_seconds) <= CLOCK_TOLERANCE_SECONDS:
        return []
    code = "clock_fast" if fast_seconds > 0 else "clock_slow"
    return [Finding(code, True, say(code, lang, seconds=abs(fast_seconds)))]


def _terminal(answer: Answer, lang: Lang) -> list[Finding]:
    if answer.status == HTTP_OK and answer.data is not None and "state" in answer.data:
        return _own_state(answer.data, lang)
    code = answer.problem_code
    if answer.status in {_UNAUTHORISED, _FORBIDDEN} and code is not None:
        return [Finding("terminal_refused", True, say("terminal_refused", lang, text=code))]
    return [Finding("server_not_sesame", True, say("server_not_sesame", lang))]


def _own_state(own: dict[str, Any], lang: Lang) -> list[Finding]:
    if own["state"] != "active":
        known = {"suspended": "terminal_suspended", "revoked": "terminal_revoked"}
        code = known.get(str(own["state"]), "terminal_not_active")
        return [Finding(code, True, say(code, lang))]
    convention = own.get("convention")
    if not isinstance(convention, dict) or convention.get("state") != "active":
        return [Finding("convention_not_active", True, say("convention_not_active", lang))]
    return []

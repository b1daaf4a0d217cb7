"""The big answer in a terminal: colour and word and sign, and what is still to collect as large."""

import click

from .amounts import format_amount
from .sale import Decision
from .wording import Lang, say

_WIDTH = 60
# Plain signs: a Windows console may have no others.
_LOOK = {"approved": ("OK", "green"), "partial": ("!", "yellow"), "refused": ("X", "red")}


def show_decision(decision: Decision, lang: Lang) -> None:
    """Print the server's answer."""
    sign, colour = _LOOK[decision.outcome]
    lines = [f"{sign}  {say(decision.outcome, lang)}"]
    if decision.approved_cents:
        lines.append(say("card_pays", lang, amount=format_amount(decision.approved_cents, lang)))
    if decision.to_collect_cents:
        amount = format_amount(decision.to_collect_cents, lang)
        lines.append(say("to_collect", lang, amount=amount))
    _show(lines, colour)
    for code, sentence in cashier_reasons(decision, lang):
        click.echo(f"  {sentence}  ({code})")
    authorisation = decision.answer.get("authorisation")
    if isinstance(authorisation, str) and decision.approved_cents:
        click.echo("  " + say("authorisation", lang, text=authorisation))


def show_unknown(lang: Lang) -> None:
    """Print that the sale may be booked and what to do now."""
    _show([f"?  {say('answer_unknown', lang)}"], "yellow")
    click.echo("  " + say("answer_unknown_what_now", lang))


def show_not_made(code: str, detail: str | None, lang: Lang) -> None:
    """Print that nothing was booked and why: in the words of `detail` where there are some."""
    _show([f"X  {say('not_made', lang)}"], "red")
    click.echo(f"  {detail or say(code, lang)}")
    click.echo("  " + say("code", lang, text=code))


def cashier_reasons(decision: Decision, lang: Lang) -> list[tuple[str, str]]:
    """Give code and sentence of each of the server's reasons that can be read."""
    reasons = decision.answer.get("reasons")
    read: list[tuple[str, str]] = []
    for reason in reasons if isinstance(reasons, list) else []:
        cashier = reason.get("cashier") if isinstance(reason, dict) else None
        sentence = cashier.get(lang) if isinstance(cashier, dict) else None
        if isinstance(sentence, str):
            read.append((str(reason.get("code")), sentence))
    return read


def _show(lines: list[str], colour: str) -> None:
    click.echo("=" * _WIDTH)
    for line in lines:
        click.secho("  " + line.upper(), fg=colour, bold=True)
    click.echo("=" * _WIDTH)

"""`sesame-reader`: enrol a terminal, make a sale, serve the shop's software, say what is wrong.

Exit status: 0 done or approved (partly too); 1 nothing was done; 2 the command line is wrong;
3 the server refused the sale; 4 the answer is not known yet.
"""

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click

from .amounts import parse_amount_cents
from .answer_screen import show_decision, show_not_made, show_unknown
from .checkup import check_up, settle_pending
from .enrolment import enrol as enrol_terminal
from .enrolment import load_enrolment
from .local_api import TOKEN_FILE, LocalApi, read_or_make_token
from .readers.simulated import SimulatedReader
from .refusals import AgentRefused, AnswerUnknown
from .sale import Line, Till
from .wording import Lang, say

EXIT_NOT_DONE, EXIT_REFUSED, EXIT_UNKNOWN = 1, 3, 4
_SETTLE_EVERY_SECONDS = 20.0

_home = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="SESAME_READER_HOME",
    default=lambda: Path(click.get_app_dir("sesame-reader")),
    show_default="the user's application folder",
    help="Folder of the terminal's key and enrolment.",
)
_lang = click.option(
    "--lang",
    type=click.Choice(["fr", "en"]),
    envvar="SESAME_READER_LANG",
    default="fr",
    show_default=True,
    help="Language of what is printed.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a program.")


@click.group(
    epilog="Exit status: 0 done or approved, 1 not done, 2 wrong command line, 3 sale refused, "
    "4 answer unknown."
)
@click.version_option(package_name="sesame")
def main() -> None:
    """Sésame reader agent: accepts the youth card in a shop.

    Example: sesame-reader enrol --server https://carte.example.fr --code 7Q4K-2MXR
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)


@main.command()
@click.option("--server", required=True, help="Address of the server, https://...")
@click.option("--code", required=True, help="One-time code from the partner's pages.")
@click.option("--replace", is_flag=True, help="Replace the enrolment that is there.")
@_home
@_lang
@_json
def enrol(*, server: str, code: str, replace: bool, home: Path, lang: Lang, as_json: bool) -> None:
    """Enrol this computer as a terminal. Its key is made here and stays here.

    Example: sesame-reader enrol --server https://carte.example.fr --code 7Q4K-2MXR
    """
    try:
        enrolment = enrol_terminal(home, server, code, replace=replace)
    except AgentRefused as refusal:
        _not_done(refusal, lang, as_json)
    if as_json:
        _print_json(
            {
                "terminal_id": str(enrolment.terminal_id),
                "site": enrolment.site_name,
                "merchant": enrolment.merchant_name,
            }
        )
    else:
        site, merchant = enrolment.site_name, enrolment.merchant_name
        click.echo(say("enrolled", lang, site=site, merchant=merchant))


@main.command()
@click.option("--amount", required=True, help='In euros: "12,40" or "12.40".')
@click.option("--category", default="books", show_default=True, help="What is sold.")
@click.option("--accept-partial", is_flag=True, help="Take what the card can pay of it.")
@click.option("--qr", help="Text of the QR; else it is read from standard input.")
@_home
@_lang
@_json
def sale(
    *,
    amount: str,
    category: str,
    accept_partial: bool,
    qr: str | None,
    home: Path,
    lang: Lang,
    as_json: bool,
) -> None:
    """Make one sale with a simulated reader.

    Example: sesame-reader sale --amount 12,40 --category books --accept-partial < qr.txt
    """
    try:
        lines = [Line(category, parse_amount_cents(amount))]
        till = Till(home, load_enrolment(home), lang=lang)
        reader = SimulatedReader()
        reader.present(qr if qr is not None else sys.stdin.readline())
        shown = reader.read(0)
        if not shown:
            raise AgentRefused("nothing_presented")
        decision = till.sell(shown, lines, accept_partial=accept_partial)
    except AgentRefused as refusal:
        _not_done(refusal, lang, as_json)
    except AnswerUnknown as unknown:
        if as_json:
            _print_json({"outcome": "unknown", "idempotency_key": unknown.idempotency_key})
        else:
            show_unknown(lang)
        sys.exit(EXIT_UNKNOWN)
    if as_json:
        _print_json(
            {
                **decision.answer,
                "idempotency_key": decision.idempotency_key,
                "to_collect_cents": decision.to_collect_cents,
            }
        )
    else:
        show_decision(decision, lang)
    if decision.outcome == "refused":
        sys.exit(EXIT_REFUSED)


@main.command()
@click.option(
    "--simulated",
    is_flag=True,
    required=True,
    expose_value=False,
    help="Use the simulated reader, the only one so far.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=7315, show_default=True)
@_home
@_lang
@_json
def run(*, port: int, home: Path, lang: Lang, as_json: bool) -> None:
    """Serve the shop's own software on 127.0.0.1 until Ctrl-C.

    Example: sesame-reader run --simulated --port 7315
    """
    try:
        till = Till(home, load_enrolment(home), lang=lang)
        try:
            server = LocalApi(till, SimulatedReader(), read_or_make_token(home), port)
        except OSError:
            raise AgentRefused("port_taken", say("port_taken", lang, text=port)) from None
    except AgentRefused as refusal:
        _not_done(refusal, lang, as_json)
    token_file = str(home / TOKEN_FILE)
    if as_json:
        _print_json({"url": server.url, "token_file": token_file})
    else:
        click.echo(say("running", lang, url=server.url, text=token_file))
    stopped = threading.Event()
    settling = threading.Thread(target=_settle_until, args=(stopped, till, lang), daemon=True)
    settling.start()
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            stopped.set()


@main.command()
@_home
@_lang
@_json
def check(*, home: Path, lang: Lang, as_json: bool) -> None:
    """Say what is wrong, in words, and what became of sales without an answer.

    Example: sesame-reader check --lang en
    """
    findings = check_up(home, lang)
    is_well = not any(finding.is_wrong for finding in findings)
    if as_json:
        listed = [
            {"code": each.code, "is_wrong": each.is_wrong, "sentence": each.sentence}
            for each in findings
        ]
        _print_json({"ok": is_well, "findings": listed})
    else:
        for finding in findings:
            click.secho(finding.sentence, fg="red" if finding.is_wrong else "green")
    if not is_well:
        sys.exit(EXIT_NOT_DONE)


def _settle_until(stopped: threading.Event, till: Till, lang: Lang) -> None:
    while not stopped.wait(_SETTLE_EVERY_SECONDS):
        try:
            settle_pending(till, lang)
        except OSError as error:
            # A full disk or a locked file: the next round tries again.
            logging.getLogger(__name__).warning("settling failed: %s", type(error).__name__)


def _not_done(refusal: AgentRefused, lang: Lang, as_json: bool) -> NoReturn:
    if as_json:
        sentence = refusal.detail or say(refusal.code, lang)
        _print_json({"outcome": "not_done", "code": refusal.code, "sentence": sentence})
    else:
        show_not_made(refusal.code, refusal.detail, lang)
    sys.exit(EXIT_NOT_DONE)


def _print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, ensure_ascii=False))

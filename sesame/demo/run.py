"""`sesame demo` and `sesame demo --once`."""

import json
import shutil
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from sesame.demo.journal import Asked, Journal
from sesame.demo.opening import (
    ACCOUNTANT,
    OFFICER,
    PASSWORD,
    enrol_shoppers,
    enrol_shops,
    open_region,
    spare_codes,
    till_codes,
)
from sesame.demo.people import Shop, Shopper, in_threads, purchase_body
from sesame.demo.processes import DemonstrationFailed, Installation
from sesame.demo.reckoning import Reckoning, reckon
from sesame.demo.region.generate import Region, generate, school_year_of
from sesame.demo.region.plan import PlannedPurchase, make_plan
from sesame.platform.database.connection import READER_ROLE
from sesame.platform.settings import load_settings

ISSUER = "FR-VA"
MONTH_DAYS = 30
MONTH_SCHOOLS = 14
MONTH_SHOPPERS = 320
MONTH_PER_DAY = 60
ONCE_SCHOOLS = 4
ONCE_SHOPPERS = 60
ONCE_PURCHASES = 150


def run_demo(*, port: int, data: Path | None, reset: bool) -> None:
    """Run the demonstration until interrupted; fill it first where it is empty."""
    installation = Installation(_folder("demo"), port)
    if reset:
        installation.stop()
        shutil.rmtree(installation.folder, ignore_errors=True)
    filled = installation.folder / "filled.json"
    if not filled.exists():
        # What a cut filling left behind is of no use: its phones' keys are gone.
        installation.stop()
        shutil.rmtree(installation.folder, ignore_errors=True)
        installation.folder.mkdir(parents=True, mode=0o755)
    try:
        if filled.exists():
            installation.make(name="", issuer=ISSUER)
            installation.start_servers()
            installation.start_reader(None)
        else:
            told = _fill(installation, data)
            filled.write_text(json.dumps(told), encoding="utf-8")
        _tell(installation, json.loads(filled.read_text(encoding="utf-8")))
        installation.wait()
    except KeyboardInterrupt:
        click.echo("\nStopping…")
    except DemonstrationFailed as failure:
        raise click.ClickException(str(failure)) from None
    finally:
        installation.stop()


def _folder(name: str) -> Path:
    return load_settings().data_dir / name


def _fill(installation: Installation, data: Path | None) -> dict[str, Any]:
    """Open the region a month ago, and let it live through that month; return who to sign in as."""
    today = datetime.now(UTC).date()
    first_day = max(today - timedelta(days=MONTH_DAYS), date(school_year_of(today), 9, 2))
    days = max((today - first_day).days, 0) + 1
    region = generate(installation.folder / "region", school_year=school_year_of(today), data=data)
    installation.set_clock(datetime.combine(first_day - timedelta(days=1), time(8), tzinfo=UTC))
    with click.progressbar(length=100, label="Opening the region", file=sys.stderr) as bar:
        installation.make(name=region.name, issuer=ISSUER)
        bar.update(15)
        open_region(installation, region)
        bar.update(60)
        installation.start_servers()
        plan = make_plan(
            _around(region, MONTH_SCHOOLS),
            first_day,
            days=days,
            per_day=MONTH_PER_DAY,
            shoppers=MONTH_SHOPPERS,
        )
        shops = enrol_shops(installation, sorted({purchase.siret for purchase in plan}))
        bar.update(25)
    buyers = len({purchase.ine for purchase in plan})
    with click.progressbar(length=buyers, label="Opening cards     ", file=sys.stderr) as bar:
        phones = installation.folder / "phones.jsonl"
        shoppers = enrol_shoppers(installation, region, plan, bar.update, phones)
    with click.progressbar(length=len(plan), label="A month of sales  ", file=sys.stderr) as bar:
        _live_through(installation, plan, shoppers, shops, bar.update)
    installation.clock_to_real()
    sirets = sorted(shops)[:3]
    codes = till_codes(installation, sirets)
    installation.start_reader(codes.pop(sirets[-1]))
    return {
        "region": region.name,
        "students": spare_codes(installation, region, 3),
        "tills": sorted(codes.items()),
        "purchases": len(plan),
    }


def _around(region: Region, count: int) -> Region:
    """Return the region with the students of `count` of its schools: only their class sheets are
    printed, and a sheet takes its time to draw.
    """
    step = max(len(region.schools) // count, 1)
    chosen = {school.uai for school in region.schools[::step][:count]}
    students = tuple(student for student in region.students if student.school_uai in chosen)
    return replace(region, students=students)


def _live_through(
    installation: Installation,
    plan: tuple[PlannedPurchase, ...],
    shoppers: dict[str, Shopper],
    shops: dict[str, Shop],
    progress: Any,
) -> None:
    """Play the plan day by day, with a run each week; the last run is left to be approved."""
    by_day: dict[date, list[PlannedPurchase]] = {}
    for purchase in plan:
        by_day.setdefault(purchase.at.date(), []).append(purchase)

    def buy(purchase: PlannedPurchase) -> None:
        shopper = shoppers.get(purchase.ine)
        if shopper is not None:
            now = installation.now()
            body = purchase_body(purchase, shopper.qr(now))
            shops[purchase.siret].sell(body, f"demo-{purchase.key}", now)
        progress(1)

    last_week, drafted = None, None
    for day, purchases in sorted(by_day.items()):
        week = day.isocalendar().week
        if last_week is not None and week != last_week:
            drafted = _reimburse(installation, drafted)
        last_week = week
        if day < datetime.now(UTC).date():
            installation.set_clock(datetime.combine(day, time(14), tzinfo=UTC))
        else:
            installation.clock_to_real()
        in_threads(purchases, buy)
    installation.clock_to_real()
    _reimburse(installation, drafted)


def _reimburse(installation: Installation, drafted: str | None) -> str:
    """Approve and export the run of the week before, as another person, and draft this week's."""
    commands = [["reimburse", "draft", "--funder", "region", "--as", OFFICER, "--json"]]
    if drafted is not None:
        commands = [
            ["reimburse", "approve", drafted, "--as", ACCOUNTANT],
            ["reimburse", "export", drafted],
            *commands,
        ]
    run: str = json.loads(installation.commands(commands)[-1])["run"]
    return run


def _tell(installation: Installation, told: dict[str, Any]) -> None:
    url = installation.url
    lines = [
        "",
        f"  {told['region']} is open. Nothing here is real; everything works.",
        "",
        f"  A student's card   {url}/enrol",
        *(f"                     {code}   {name}" for name, code in told["students"]),
        f"  A shop's till      {url}/till",
        *(f"                     {code}   shop {siret}" for siret, code in told["tills"]),
        f"  A simulated reader http://127.0.0.1:{installation.reader_port}",
        f"                     its token: {installation.folder / 'reader'}",
        f"  The console        {url}/console",
        f"                     {OFFICER} (officer) or {ACCOUNTANT} (accountant), password {PASSWORD}",
        "",
        f"  Each code opens one card or one till. Data: {installation.folder}",
        "  Ctrl-C stops everything; starting again keeps it; --reset starts over.",
        "",
    ]
    click.echo("\n".join(lines))


def run_once(*, port: int, data: Path | None) -> int:
    """Run the journey once, from school roll to bank file; return the exit code.

    A journey that was killed goes on where it was; one that ended is started over.
    """
    installation = Installation(_folder("once"), port)
    done = installation.folder / "done"
    if done.exists():
        installation.stop()
        shutil.rmtree(installation.folder)
    installation.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    try:
        reckoning, files = _journey(installation, data)
    except DemonstrationFailed as failure:
        click.echo(str(failure), err=True)
        return 1
    finally:
        installation.stop()
    _print_table(reckoning, files)
    failures = reckoning.failures()
    for sentence in failures:
        click.echo(f"  NOT RECONCILED: {sentence}", err=True)
    if not failures:
        done.touch()
    return 1 if failures else 0


def _journey(installation: Installation, data: Path | None) -> tuple[Reckoning, list[Path]]:
    today = datetime.now(UTC).date()
    region = generate(installation.folder / "region", school_year=school_year_of(today), data=data)
    installation.make(name=region.name, issuer=ISSUER)
    open_region(installation, region)
    installation.start_servers()
    journal = Journal(installation.folder / "journal.jsonl")
    _shop(installation, region, today, journal)
    _pay(installation)
    files = sorted((installation.folder / "bank").glob("*.xml"))
    reader = installation.database.url(READER_ROLE)
    reckoning = reckon(journal.answers.values(), reader, files)
    journal.close()
    verified = json.loads(installation.command("ledger", "verify", "--json"))
    if not verified["holds"]:
        raise DemonstrationFailed(f"the ledger's invariants don't hold: {verified['findings']}")
    return reckoning, files


def _shop(installation: Installation, region: Region, today: date, journal: Journal) -> None:
    """Ask again for the answers that are missing, then buy what is still to be bought."""
    plan = make_plan(
        _around(region, ONCE_SCHOOLS), today, days=7, per_day=60, shoppers=ONCE_SHOPPERS
    )[:ONCE_PURCHASES]
    terminals = installation.folder / "tills.json"
    shops = _same_tills(installation, terminals, sorted({purchase.siret for purchase in plan}))

    def ask(asked: Asked) -> None:
        answer = shops[asked.siret].sell(asked.body, asked.key, installation.now())
        journal.answer(asked.key, answer)

    in_threads(journal.unanswered(), ask)
    left = tuple(each for each in plan if f"once-{each.key}" not in journal.asked)
    phones = installation.folder / "phones.jsonl"
    shoppers = enrol_shoppers(installation, region, left, lambda _: None, phones)

    def buy(purchase: PlannedPurchase) -> None:
        shopper = shoppers.get(purchase.ine)
        if shopper is None:
            return
        body = purchase_body(purchase, shopper.qr(installation.now()))
        asked = Asked(f"once-{purchase.key}", purchase.siret, body)
        journal.ask(asked)
        ask(asked)

    in_threads(left, buy)


def _same_tills(installation: Installation, file: Path, sirets: list[str]) -> dict[str, Shop]:
    """Enrol the tills, or take those of before a kill: an answer is found by its own till only."""
    if file.exists():
        return {
            siret: Shop.restored(installation, kept)
            for siret, kept in json.loads(file.read_text(encoding="utf-8")).items()
        }
    shops = enrol_shops(installation, sirets)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({siret: shop.kept() for siret, shop in shops.items()}))
    new.replace(file)
    return shops


def _pay(installation: Installation) -> None:
    """Take every run to its bank file, and draft what no run holds yet."""
    bank = installation.folder / "bank"
    bank.mkdir(exist_ok=True)
    runs = json.loads(installation.command("reimburse", "list", "--json"))
    if not any(run["state"] == "draft" for run in runs) and _is_owed(installation):
        installation.command("reimburse", "draft", "--funder", "region", "--as", OFFICER)
    for run in json.loads(installation.command("reimburse", "list", "--json")):
        if run["state"] == "draft":
            installation.command("reimburse", "approve", run["run"], "--as", ACCOUNTANT)
        out = bank / f"{run['message_id']}.xml"
        installation.command("reimburse", "export", run["run"], "--out", str(out))


def _is_owed(installation: Installation) -> bool:
    return reckon([], installation.database.url(READER_ROLE), []).left_owed > 0


def _print_table(reckoning: Reckoning, files: list[Path]) -> None:
    rows = [
        ("set aside by the funders", reckoning.funded, "SQL"),
        ("granted to students", reckoning.granted, "SQL"),
        (f"approved in {reckoning.purchases} purchases", reckoning.answered, "client's answers"),
        ("captured", reckoning.captured, "SQL"),
        ("remitted", reckoning.remitted, "SQL"),
        ("still owed to shops", reckoning.left_owed, "SQL"),
        (f"in {reckoning.payments} payments", reckoning.in_bank_files, "bank files"),
    ]
    for what, cents, source in rows:
        euros = f"{cents // 100:,}".replace(",", " ") + f",{cents % 100:02d} €"
        click.echo(f"  {what:<34}{euros:>18}   {source}")
    for file in files:
        click.echo(f"  {file}")

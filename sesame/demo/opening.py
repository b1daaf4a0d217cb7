"""Opening the invented region: everything that a real one would do before the first sale."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

from sesame.demo.people import Shop, Shopper, in_threads
from sesame.demo.processes import Installation
from sesame.demo.region.generate import Region
from sesame.demo.region.plan import PlannedPurchase
from sesame.demo.region.students import Student

OFFICER, ACCOUNTANT = "a.martin", "b.durand"
PASSWORD = "ouvre-toi-sesame"  # noqa: S105  an invented region's, printed for whoever tries it
"""The password of everybody who signs in with one."""

Progress = Callable[[int], None]


def open_region(installation: Installation, region: Region) -> None:
    """Import schools, rolls, shops; fund, publish and grant. Doing it again changes nothing."""
    password_file = installation.folder / "password"
    password_file.write_text(PASSWORD, encoding="utf-8")
    known, merchants = map(
        json.loads,
        installation.commands([["staff", "list", "--json"], ["merchant", "list", "--json"]]),
    )
    logins = {each["login"] for each in known}
    staff = [
        (OFFICER, "Alix Martin", "officer"),
        (ACCOUNTANT, "Bilal Durand", "accountant"),
    ]
    commands: list[list[str]] = [
        ["staff", "add", "--login", login, "--name", name, "--role", role,
         "--password-file", str(password_file)]
        for login, name, role in staff
        if login not in logins
    ]  # fmt: skip
    commands.append(["school", "import", str(region.schools_file)])
    commands += [
        ["roll", "import", str(path), "--school", uai] for uai, path in region.rolls.items()
    ]
    commands += [
        ["funder", "add", "--code", each.code, "--name", each.name, "--siren", each.siren,
         "--iban", each.iban, "--bic", each.bic, "--street", each.street,
         "--postal-code", each.postal_code, "--town", each.town]
        for each in region.funders
    ]  # fmt: skip
    commands += [
        ["envelope", "fund", "--funder", each.funder, "--programme", each.programme,
         "--amount", f"{each.cents // 100}.{each.cents % 100:02d}",
         "--key", f"budget-{each.funder}-{each.programme}"]
        for each in region.budgets
    ]  # fmt: skip
    commands += [["programme", "publish", str(path), "--as", OFFICER] for path in region.programmes]
    if not merchants:
        commands.append(["merchant", "import", str(region.shops_file), "--activate"])
    installation.commands(commands)


def _class_sheets(installation: Installation, uais: list[str]) -> dict[tuple[str, str, str], str]:
    """Print the sheets of these schools; return each code by school, class and name."""
    folder = installation.folder / "sheets"
    printed = installation.commands(
        [["roll", "sheets", "--school", uai, "--out", str(folder), "--json"] for uai in uais]
    )
    return {
        (slip["school"], slip["class"], slip["name"].upper()): slip["code"]
        for text in printed
        for slip in json.loads(text)
    }


def till_codes(installation: Installation, sirets: list[str]) -> dict[str, str]:
    """Return a one-time code for a till of each site."""
    printed = installation.commands(
        [["terminal", "code", "--site", siret, "--json"] for siret in sirets]
    )
    return {siret: json.loads(text)["code"] for siret, text in zip(sirets, printed, strict=True)}


def enrol_shops(installation: Installation, sirets: list[str]) -> dict[str, Shop]:
    """Enrol one till of each of these sites."""
    codes = till_codes(installation, sirets)
    shops: dict[str, Shop] = {}

    def enrol(siret: str) -> None:
        shops[siret] = Shop.enrol(installation, codes[siret])

    in_threads(sirets, enrol)
    return shops


def enrol_shoppers(
    installation: Installation,
    region: Region,
    plan: tuple[PlannedPurchase, ...],
    progress: Progress,
    phones: Path,
) -> dict[str, Shopper]:
    """Enrol the phone of every student who buys something in `plan`; return them by INE.

    phones: the file that keeps each phone once it is enrolled; those in it are taken from there.
    Whose code is gone and whose phone isn't kept (a kill in between) is left out.
    """
    wanted = {purchase.ine for purchase in plan}
    shoppers = {
        ine: shopper for ine, shopper in _kept(installation, phones).items() if ine in wanted
    }
    students = [
        student
        for student in region.students
        if student.ine in wanted and student.ine not in shoppers
    ]
    codes = _class_sheets(installation, sorted({student.school_uai for student in students}))
    lock = threading.Lock()

    def enrol(student: Student) -> None:
        name = f"{student.first_name} {student.family_name}".upper()
        code = codes.get((student.school_uai, student.division, name))
        if code is not None and student.ine is not None:
            shopper = Shopper.enrol(installation, code)
            with lock, phones.open("a", encoding="ascii") as file:
                file.write("\n" + json.dumps({"ine": student.ine, **shopper.kept()}) + "\n")
            shoppers[student.ine] = shopper
        progress(1)

    in_threads(students, enrol)
    return shoppers


def _kept(installation: Installation, phones: Path) -> dict[str, Shopper]:
    """Return the phones that the file keeps, by INE; a line that a kill cut short is passed over."""
    shoppers = {}
    for line in phones.read_bytes().splitlines() if phones.exists() else ():
        try:
            kept = json.loads(line)
        except ValueError:
            continue
        shoppers[kept["ine"]] = Shopper.restored(installation, kept)
    return shoppers


def spare_codes(installation: Installation, region: Region, count: int) -> list[tuple[str, str]]:
    """Return (name, code) of `count` students of one school whose card is still to be opened."""
    uai = region.schools[0].uai
    codes = _class_sheets(installation, [uai])
    return [(name.title(), code) for (_, _, name), code in list(codes.items())[:count]]

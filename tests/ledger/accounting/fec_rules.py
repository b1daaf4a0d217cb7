"""The rules of the FEC (LPF, art. A47 A-1), checked on the bytes. Knows nothing of how the file is made.

In the manner of the administration's own Test Compta Demat: structure, fields, dates, numbers, balance;
and, beyond it, continuity of the numbers and the order of validation.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

NAMES = [
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum",
    "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet",
    "ValidDate", "Montantdevise", "Idevise",
]  # fmt: skip
FILE_NAME = re.compile(r"[0-9]{9}FEC[0-9]{8}\.txt")
AMOUNT = re.compile(r"[0-9]+,[0-9]{2}")
ACCOUNT = re.compile(r"[1-8][0-9]{2}[0-9A-Za-z]*")
NEVER_EMPTY = {
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "PieceRef",
    "PieceDate", "EcritureLib", "Debit", "Credit", "ValidDate",
}  # fmt: skip


def cents(amount: str) -> int:
    euros, rest = amount.split(",")
    return int(euros) * 100 + int(rest)


def rows(content: bytes) -> list[dict[str, str]]:
    """Read the file as the article says, and raise AssertionError where it can't be."""
    text = content.decode("iso8859-15")
    assert text.endswith("\r\n"), "the last record isn't ended"
    lines = text[:-2].split("\r\n")
    assert not any("\r" in line or "\n" in line for line in lines), "a record is cut"
    separator = "\t" if "\t" in lines[0] else "|"
    assert lines[0].split(separator) == NAMES, "the names of the fields, in order, come first"
    found = []
    for line in lines[1:]:
        values = line.split(separator)
        assert len(values) == len(NAMES), f"{len(values)} fields"
        found.append(dict(zip(NAMES, values, strict=True)))
    return found


def of_one_line(row: dict[str, str], first_day: date, last_day: date) -> Iterator[str]:
    """What one line can be wrong about by itself, its amounts apart."""
    yield from (f"{name} is empty" for name in sorted(NEVER_EMPTY) if not row[name].strip())
    for name in ("EcritureDate", "PieceDate", "ValidDate"):
        try:
            day = datetime.strptime(row[name], "%Y%m%d").date()
        except ValueError:
            yield f"{name} isn't a date"
            continue
        if name == "EcritureDate" and not first_day <= day <= last_day:
            yield "outside the year"
    if not ACCOUNT.fullmatch(row["CompteNum"]):
        yield "CompteNum"
    if bool(row["CompAuxNum"]) != bool(row["CompAuxLib"]):
        yield "an auxiliary account without its name"


def anomalies(content: bytes, first_day: date, last_day: date) -> list[str]:
    """Return what breaks a rule, in words; empty for a conforming file."""
    told: list[str] = []
    debit: defaultdict[str, int] = defaultdict(int)
    credit: defaultdict[str, int] = defaultdict(int)
    journals: defaultdict[str, list[int]] = defaultdict(list)
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    heads: dict[str, tuple[str, str]] = {}
    validated = ""
    for number, row in enumerate(rows(content), start=2):
        told += [f"{number}: {each}" for each in of_one_line(row, first_day, last_day)]
        if not (AMOUNT.fullmatch(row["Debit"]) and AMOUNT.fullmatch(row["Credit"])):
            told.append(f"{number}: an amount")
            continue
        both = cents(row["Debit"]), cents(row["Credit"])
        if (both[0] == 0) == (both[1] == 0):
            told.append(f"{number}: debit and credit")
        entry = row["EcritureNum"]
        debit[entry] += both[0]
        credit[entry] += both[1]
        if heads.setdefault(entry, (row["EcritureDate"], row["ValidDate"])) != (
            row["EcritureDate"],
            row["ValidDate"],
        ):
            told.append(f"{number}: one entry, two dates")
        digits = int(re.sub(r"\D", "", entry) or 0)
        if not journals[row["JournalCode"]] or journals[row["JournalCode"]][-1] != digits:
            journals[row["JournalCode"]].append(digits)
        if row["ValidDate"] < validated:
            told.append(f"{number}: not in the order of validation")
        validated = row["ValidDate"]
        names["JournalCode", row["JournalCode"]].add(row["JournalLib"])
        names["CompteNum", row["CompteNum"]].add(row["CompteLib"])
    told += [f"{entry} doesn't balance" for entry in debit if debit[entry] != credit[entry]]
    for code, numbers in journals.items():
        if numbers != list(range(1, len(numbers) + 1)):
            told.append(f"the numbers of {code} have a gap")
    told += [f"{each} has several names" for each, called in names.items() if len(called) > 1]
    return told

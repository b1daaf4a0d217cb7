"""What a row says, how it is printed and kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Result:
    """One row. ratio: measured ÷ reference, both in `unit`."""

    name: str
    ratio: float
    measured: float
    reference: float
    unit: str
    note: str


def keep(results: Sequence[Result], file: Path = RESULTS) -> None:
    """Write the rows to `file`; rows of other names that it holds already stay."""
    fresh = {each.name: asdict(each) for each in results}
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    names = {row["name"] for row in rows}
    merged = [fresh.get(row["name"], row) for row in rows]
    merged += [row for name, row in fresh.items() if name not in names]
    file.write_text(json.dumps(merged, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(results: Sequence[Result]) -> str:
    """Return the rows as a table for a terminal, notes below."""
    lines = [f"{'row':<26} {'ratio':>7} {'measured':>11} {'reference':>11}  unit"]
    for each in results:
        lines.append(
            f"{each.name:<26} {each.ratio:>7.2f} {each.measured:>11,.6g} {each.reference:>11,.6g}"
            f"  {each.unit}"
        )
    lines += [f"  {each.name}: {each.note}" for each in results]
    return "\n".join(lines)

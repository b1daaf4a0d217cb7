"""Measured turn by turn with a reference, so that both had the same machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from bench.results import Result

ROUNDS = 3


@dataclass
class Turns:
    """What one thing measured in each round, and what its reference did around it."""

    measured: list[float] = field(default_factory=list)
    references: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Measured ÷ reference, round by round."""
        return [a / b for a, b in zip(self.measured, self.references, strict=True)]

    def row(self, name: str, unit: str, note: str) -> Result:
        """Return the medians of the rounds as a row."""
        return Result(
            name=name,
            ratio=round(median(self.ratios), 3),
            measured=_rounded(median(self.measured)),
            reference=_rounded(median(self.references)),
            unit=unit,
            note=f"{note}; rounds {', '.join(f'{each:.2f}' for each in self.ratios)}",
        )


def _rounded(figure: float) -> float:
    """Return what is worth telling of it: thousandths of a few seconds, tenths of many a second."""
    return round(figure, 3 if figure < 100 else 1)


def in_turns(
    measures: Mapping[str, Callable[[], float]],
    reference: Callable[[], float],
    rounds: int = ROUNDS,
) -> dict[str, Turns]:
    """Take the reference before and after each measure; a measure's is the mean of the two."""
    turns = {name: Turns() for name in measures}
    before = reference()
    for _ in range(rounds):
        for name, measure in measures.items():
            measured = measure()
            after = reference()
            turns[name].measured.append(measured)
            turns[name].references.append((before + after) / 2)
            before = after
    return turns

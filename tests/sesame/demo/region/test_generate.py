"""The whole folder: the same for a seed, another for another seed, and quick."""

import hashlib
from pathlib import Path

from sesame.demo.region.generate import Region, generate


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes(region: Region, tmp_path: Path) -> None:
    again = generate(tmp_path / "again")
    assert digests(again.folder) == digests(region.folder)
    assert again.students == region.students
    assert len(digests(region.folder)) == 60 + 2 + len(region.programmes)


def test_another_seed_writes_other_students_in_other_rolls(region: Region, tmp_path: Path) -> None:
    other = generate(tmp_path / "other", seed=7)
    assert len(other.students) == 2000
    assert other.students != region.students
    assert digests(other.folder)["schools.csv"] != digests(region.folder)["schools.csv"]


def test_writing_again_over_a_folder_leaves_the_same_files(region: Region, tmp_path: Path) -> None:
    generate(tmp_path)
    assert digests(generate(tmp_path).folder) == digests(region.folder)


def test_another_school_year_moves_ages_and_dates(region: Region, tmp_path: Path) -> None:
    later = generate(tmp_path, school_year=2027)
    assert min(s.birth_date.year for s in later.students) == 1 + min(
        s.birth_date.year for s in region.students
    )
    assert next(iter(later.rolls.values())).name == next(iter(region.rolls.values())).name

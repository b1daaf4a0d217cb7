"""Schools, their rolls, and the codes handed out in class: what other features may call."""

from cardsvc.schools.codes import IssuedCode, bind_by_code, issue_codes
from cardsvc.schools.directory import DirectoryReport, import_directory, school_by_uai
from cardsvc.schools.events import (
    PupilRebound,
    RollImported,
    after_rebinding,
    after_roll_import,
)
from cardsvc.schools.grades import grade_of
from cardsvc.schools.roll_import import RollPreview, RollReport, import_roll, preview_roll

__all__ = [
    "DirectoryReport",
    "IssuedCode",
    "PupilRebound",
    "RollImported",
    "RollPreview",
    "RollReport",
    "after_rebinding",
    "after_roll_import",
    "bind_by_code",
    "grade_of",
    "import_directory",
    "import_roll",
    "issue_codes",
    "preview_roll",
    "school_by_uai",
]

"""What a MEF code says: the grade, and whether it is still secondary education.

A MEF (module élémentaire de formation) in SIECLE has 11 characters: three of *dispositif* (the kind
of track), five of diploma, one for how many years the track lasts, one for the year within it, and
a 0 (nomenclature N_MEF and N_DISPOSITIF_FORMATION, MENJ/DEPP).
"""

import re

_MEF = re.compile(r"[0-9A-Z]{11}", re.ASCII)

# General, technological, agricultural technological, and the old brevets de technicien: one
# dispositif for each grade.
_BY_TRACK = {
    **dict.fromkeys(("200", "210", "220"), "seconde"),
    **dict.fromkeys(("201", "211", "213", "221"), "premiere"),
    **dict.fromkeys(("202", "212", "214", "222"), "terminale"),
}
_VOCATIONAL_BAC = {"247", "276"}
_CAP = {"240", "241", "242", "271"}
_BAC_YEARS = {"1": "seconde", "2": "premiere", "3": "terminale"}
# A CAP in three years (242) has a third one: like the second, a year that isn't the first.
_CAP_YEARS = {"1": "cap1", "2": "cap2", "3": "cap2"}


def is_mef(text: str) -> bool:
    """Return whether `text` has the form of SIECLE's CODE_MEF (11 digits or capitals)."""
    return _MEF.fullmatch(text) is not None


def grade_of(mef: str) -> str:
    """Return `seconde`, `premiere`, `terminale`, `cap1`, `cap2`, or `other`, out of an 11-character
    MEF. `other`: below or above these grades, or a track whose years have no grade.
    """
    track, year = mef[:3], mef[9]
    if track in _VOCATIONAL_BAC:
        return _BAC_YEARS.get(year, "other")
    if track in _CAP:
        return _CAP_YEARS.get(year, "other")
    return _BY_TRACK.get(track, "other")


def schooling_of(mef: str) -> str:
    """Return the status of a pupil under school status: `collegien`, `lyceen`, or `student` in the
    post-bac classes of a lycée (CPGE, BTS, DN MADE…), by the first digit of the dispositif.
    """
    if mef[0] in "34":
        return "student"
    return "lyceen" if mef[0] == "2" else "collegien"

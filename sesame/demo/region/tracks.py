"""The tracks that invented students follow, by their real MEF codes.

A MEF code here is SIECLE's CODE_MEF: the ten characters of the BCN nomenclature N_MEF (MENJ, DEPP;
state of May 2025, Licence Ouverte 2.0) and a 0. Its first three digits are the kind of track. A
first year shared by several tracks (2de générale et technologique, "famille de métiers") carries
the shared code, as it does in a real school.
"""

from dataclasses import dataclass

GENERAL = "general"
TECHNOLOGICAL = "technological"
VOCATIONAL = "vocational"
AGRICULTURAL = "agricultural"

USUAL_AGE = {"seconde": 15, "premiere": 16, "terminale": 17, "cap1": 15, "cap2": 16}
"""Age reached in the calendar year of the rentrée by a student who never repeated a year."""


@dataclass(frozen=True)
class Year:
    """One year of a track: its MEF code, its grade (a key of `USUAL_AGE`), its classes' name."""

    mef: str
    grade: str
    division: str


@dataclass(frozen=True)
class Track:
    """A track from its first year to its last, and the kind of school that teaches it."""

    kind: str
    years: tuple[Year, ...]


_SECONDE_GT = Year("20010018110", "seconde", "2GT")

TRACKS: tuple[Track, ...] = (
    Track(
        GENERAL,
        (
            _SECONDE_GT,
            Year("20110019110", "premiere", "1G"),
            Year("20210019110", "terminale", "TG"),
        ),
    ),
    Track(
        TECHNOLOGICAL,
        (
            _SECONDE_GT,
            Year("21131016110", "premiere", "1STMG"),
            Year("21231018110", "terminale", "TSTMG"),
        ),
    ),
    Track(
        TECHNOLOGICAL,
        (
            _SECONDE_GT,
            Year("21133104110", "premiere", "1ST2S"),
            Year("21233104110", "terminale", "TST2S"),
        ),
    ),
    Track(
        TECHNOLOGICAL,
        (
            _SECONDE_GT,
            Year("21120010110", "premiere", "1STI2D"),
            Year("21220004110", "terminale", "TSTI2D"),
        ),
    ),
    Track(
        VOCATIONAL,
        (
            Year("24730003310", "seconde", "2GATL"),
            Year("24730004320", "premiere", "1AGORA"),
            Year("24730004330", "terminale", "TAGORA"),
        ),
    ),
    Track(
        VOCATIONAL,
        (
            Year("24733404310", "seconde", "2MHR"),
            Year("24722106320", "premiere", "1CUIS"),
            Year("24722106330", "terminale", "TCUIS"),
        ),
    ),
    Track(
        VOCATIONAL,
        (
            Year("24720008310", "seconde", "2TNE"),
            Year("24725520320", "premiere", "1MELEC"),
            Year("24725520330", "terminale", "TMELEC"),
        ),
    ),
    Track(
        VOCATIONAL,
        (
            Year("24733007310", "seconde", "2ASSP"),
            Year("24733007320", "premiere", "1ASSP"),
            Year("24733007330", "terminale", "TASSP"),
        ),
    ),
    Track(
        VOCATIONAL,
        (
            Year("24725222310", "seconde", "2MMV"),
            Year("24725224320", "premiere", "1MV"),
            Year("24725224330", "terminale", "TMV"),
        ),
    ),
    Track(
        VOCATIONAL,
        (Year("24122137210", "cap1", "1CAPBOUL"), Year("24122137220", "cap2", "2CAPBOUL")),
    ),
    Track(
        VOCATIONAL,
        (Year("24123224210", "cap1", "1CAPMAC"), Year("24123224220", "cap2", "2CAPMAC")),
    ),
    Track(
        VOCATIONAL,
        (Year("24125524210", "cap1", "1CAPELEC"), Year("24125524220", "cap2", "2CAPELEC")),
    ),
    Track(
        VOCATIONAL,
        (Year("24131224210", "cap1", "1CAPEPC"), Year("24131224220", "cap2", "2CAPEPC")),
    ),
    Track(
        AGRICULTURAL,
        (
            _SECONDE_GT,
            Year("21321005110", "premiere", "1STAV"),
            Year("21421005110", "terminale", "TSTAV"),
        ),
    ),
    Track(
        AGRICULTURAL,
        (
            Year("27621112310", "seconde", "2PROD"),
            Year("27621004320", "premiere", "1CGEA"),
            Year("27621004330", "terminale", "TCGEA"),
        ),
    ),
    Track(
        AGRICULTURAL,
        (
            Year("27621404310", "seconde", "2NJPF"),
            Year("27621405320", "premiere", "1AP"),
            Year("27621405330", "terminale", "TAP"),
        ),
    ),
    Track(
        AGRICULTURAL,
        (Year("27121405210", "cap1", "1CAPAJP"), Year("27121405220", "cap2", "2CAPAJP")),
    ),
)


def tracks_of(kinds: frozenset[str]) -> tuple[Track, ...]:
    """Return the tracks that a school of these kinds can teach, in the order above."""
    return tuple(track for track in TRACKS if track.kind in kinds)

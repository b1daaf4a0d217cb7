"""The licences of what is installed with Sésame. `python tests/checks/licences.py` writes the page."""

import re
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "licences.md"
EXTRAS = ("server",)
# By name on the left: how its author says it; on the right the SPDX identifier. All of them may be used
# by, or combined with, a work under EUPL-1.2; a library under the LGPL stays a library of its own.
SAYINGS = {
    "MIT": "MIT", "MIT License": "MIT", "The MIT License (MIT)": "MIT", "MIT-0": "MIT-0",
    "MIT-CMU": "MIT-CMU",
    "BSD": "BSD-3-Clause", "BSD License": "BSD-3-Clause", "BSD-3-Clause": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause", "BSD-2-Clause": "BSD-2-Clause", "3-Clause BSD License": "BSD-3-Clause",
    "New BSD": "BSD-3-Clause", "BSD 3-Clause": "BSD-3-Clause",
    "Apache-2.0": "Apache-2.0", "Apache Software License": "Apache-2.0", "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0", "Apache License, Version 2.0": "Apache-2.0",
    "PSF-2.0": "PSF-2.0", "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "MPL-2.0": "MPL-2.0",
    "LGPL-2.1-only": "LGPL-2.1-only", "LGPL-3.0-only": "LGPL-3.0-only",
    "LGPL-3.0-or-later": "LGPL-3.0-or-later",
    "LGPL-2.1-or-later": "LGPL-2.1-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.1-only",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
    "ISC": "ISC", "ISC License (ISCL)": "ISC", "ISC License": "ISC",
    "PostgreSQL": "PostgreSQL", "PostgreSQL License": "PostgreSQL",
    "Unlicense": "Unlicense", "0BSD": "0BSD", "Zlib": "Zlib", "ZPL-2.1": "ZPL-2.1",
}  # fmt: skip

# Read by a person: their classifiers list alternatives as if all held.
READ = {
    "text-unidecode": "Artistic-1.0-Perl OR GPL-2.0-or-later",
    "pyphen": "GPL-2.0-or-later OR LGPL-2.1-or-later OR MPL-1.1",
}


def runtime_distributions() -> dict[str, Distribution]:
    """Return every distribution that `sesame[server]` needs here, by normalised name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(f"sesame[{','.join(EXTRAS)}]")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        installed = distribution(wanted.name)
        found[_normal(wanted.name)] = installed
        for extra in ("", *wanted.extras):
            if (_normal(wanted.name), extra) in seen:
                continue
            seen.add((_normal(wanted.name), extra))
            for line in installed.requires or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    found.pop("sesame")
    return dict(sorted(found.items()))


def licences(installed: Distribution) -> list[str]:
    """Return the identifiers of its licence, or what it says where that isn't known to be good."""
    metadata = installed.metadata
    if metadata["Name"] in READ:
        return [READ[metadata["Name"]]]
    expression = metadata.get("License-Expression")
    if expression:
        parts = re.split(r"\s+(?:AND|OR|WITH)\s+", expression.replace("(", "").replace(")", ""))
    else:
        classifiers = metadata.get_all("Classifier") or []
        parts = [
            each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")
        ]
        parts = [each for each in parts if each != "OSI Approved"]
        parts = parts or [(metadata.get("License") or "none stated").splitlines()[0]]
    return [SAYINGS.get(part.strip(), f"? {part.strip()}") for part in parts]


def page() -> str:
    """Return the page: a table of names and licences, without versions, which the lock file has."""
    rows = "".join(
        f"| {name} | {', '.join(licences(each))} |\n"
        for name, each in runtime_distributions().items()
    )
    return (
        "# Licences of the dependencies\n\n"
        "Sésame is under the EUPL-1.2. What it installs to run (the extra `server`) may be used with\n"
        "it; `make check` refuses any other. The extra `pcsc` adds pyscard (LGPL-2.1-or-later), a library\n"
        "that stays one of its own. Written by `python tests/checks/licences.py`.\n\n"
        f"| dependency | licence (SPDX) |\n|---|---|\n{rows}"
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")

"""Fetch the front-end files that others wrote, check their hashes, copy them into static/vendor.

    python assets/vendor.py            fetch, verify, copy (what `make assets` runs)
    python assets/vendor.py --rehash   write the hashes of the named versions into vendor.toml

Needs npm; nothing else in the project does.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).resolve().parent
MANIFEST = ASSETS / "vendor.toml"
VENDOR = ASSETS.parent / "sesame" / "platform" / "web" / "static" / "vendor"


class AssetWrong(Exception):
    """A file is missing from its package, or isn't the one that the manifest names."""


@dataclass(frozen=True)
class VendoredFile:
    """One file to copy: where it lands, where it comes from, and its SHA-256 in hexadecimal."""

    target: str
    source: str
    sha256: str


@dataclass(frozen=True)
class Package:
    """One npm package of the manifest."""

    name: str
    folder: str
    version: str
    licence: str
    licence_file: str
    files: tuple[VendoredFile, ...]


def read_manifest(path: Path = MANIFEST) -> list[Package]:
    """Return the packages that the manifest names. Raises KeyError for a missing entry."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Package(
            name=entry["name"],
            folder=entry["folder"],
            version=entry["version"],
            licence=entry["licence"],
            licence_file=entry["licence_file"],
            files=tuple(
                VendoredFile(target, of["from"], of["sha256"])
                for target, of in entry["files"].items()
            ),
        )
        for entry in content["package"]
    ]


def fetch(package: Package, folder: Path) -> Path:
    """Return the unpacked package, fetched by npm below `folder`. Raises CalledProcessError."""
    answer = subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    unpacked = folder / package.folder
    with tarfile.open(folder / answer.stdout.split()[-1]) as archive:
        archive.extractall(unpacked, filter="data")
    return unpacked / "package"


def source_path(unpacked: Path, source: str) -> Path:
    """Return where `source` is: in the package, or below assets/ for "assets:…".

    Raises `AssetWrong` when it isn't there.
    """
    ours = source.removeprefix("assets:")
    found = ASSETS / ours if ours != source else unpacked / source
    if not found.is_file():
        raise AssetWrong(f"{source} is not in the package")
    return found


def copy(package: Package, unpacked: Path, vendor: Path) -> None:
    """Replace the package's folder below `vendor`. Raises `AssetWrong` and then changes nothing."""
    sources = {each: source_path(unpacked, each.source) for each in package.files}
    for each, source in sources.items():
        found = sha256(source)
        if found != each.sha256:
            raise AssetWrong(f"{package.name}: {each.source} is {found}, not {each.sha256}")
    licence = source_path(unpacked, package.licence_file)
    folder = vendor / package.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for each, source in sources.items():
        target = folder / each.target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.copyfile(licence, folder / "LICENSE")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rehash(package: Package, unpacked: Path, manifest: Path = MANIFEST) -> None:
    """Write the hashes of the package's files into the manifest, leaving all else as it is."""
    text = manifest.read_text(encoding="utf-8")
    for each in package.files:
        found = sha256(source_path(unpacked, each.source))
        line = re.compile(rf'(from = "{re.escape(each.source)}", sha256 = ")[0-9a-f]*(")')
        text, changed = line.subn(rf"\g<1>{found}\g<2>", text)
        if changed != 1:
            raise AssetWrong(f"{each.source} stands {changed} times in {manifest.name}")
    manifest.write_text(text, encoding="utf-8")


def main() -> int:
    """Run the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rehash", action="store_true", help="write the hashes into vendor.toml")
    wants_hashes = parser.parse_args().rehash
    with tempfile.TemporaryDirectory(prefix="sesame-assets-") as folder:
        for package in read_manifest():
            try:
                unpacked = fetch(package, Path(folder))
                if wants_hashes:
                    rehash(package, unpacked)
                else:
                    copy(package, unpacked, VENDOR)
            except (AssetWrong, subprocess.CalledProcessError) as error:
                sys.stderr.write(f"{package.name} {package.version}: {error}\n")
                return 1
            sys.stdout.write(f"{package.name} {package.version}: {len(package.files)} files\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Vendoring takes the files that the manifest names, and no other content."""

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "vendor.py"


@pytest.fixture(scope="module")
def vendoring():
    """The script as a module; it is run by its path, so no package holds it."""
    spec = importlib.util.spec_from_file_location("vendor", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["vendor"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["vendor"]


@pytest.fixture
def unpacked(tmp_path):
    """A package as npm unpacks it."""
    folder = tmp_path / "package"
    (folder / "dist").mkdir(parents=True)
    (folder / "dist" / "index.js").write_text("export const door = 1;\n")
    (folder / "LICENSE").write_text("MIT\n")
    return folder


def _package(vendoring, content, source="dist/index.js"):
    digest = hashlib.sha256(content.encode()).hexdigest()
    files = (vendoring.VendoredFile("index.js", source, digest),)
    return vendoring.Package("door", "door", "1.0.0", "MIT", "LICENSE", files)


def test_a_file_and_its_licence_are_copied_and_old_ones_removed(vendoring, unpacked, tmp_path):
    vendor = tmp_path / "vendor"
    (vendor / "door").mkdir(parents=True)
    (vendor / "door" / "old.js").write_text("old")
    vendoring.copy(_package(vendoring, "export const door = 1;\n"), unpacked, vendor)
    names = sorted(each.name for each in (vendor / "door").iterdir())
    assert names == ["LICENSE", "index.js"]
    assert (vendor / "door" / "index.js").read_text() == "export const door = 1;\n"


def test_other_content_is_refused_and_changes_nothing(vendoring, unpacked, tmp_path):
    vendor = tmp_path / "vendor"
    (vendor / "door").mkdir(parents=True)
    (vendor / "door" / "index.js").write_text("known")
    with pytest.raises(vendoring.AssetWrong, match=r"dist/index\.js"):
        vendoring.copy(_package(vendoring, "export const door = 2;\n"), unpacked, vendor)
    assert (vendor / "door" / "index.js").read_text() == "known"


def test_a_file_that_left_the_package_is_named(vendoring, unpacked, tmp_path):
    with pytest.raises(vendoring.AssetWrong, match=r"dist/gone\.js is not in the package"):
        vendoring.copy(_package(vendoring, "x", source="dist/gone.js"), unpacked, tmp_path)


def test_rehashing_writes_the_hash_and_touches_nothing_else(vendoring, unpacked, tmp_path):
    manifest = tmp_path / "vendor.toml"
    manifest.write_text('# kept\n"index.js" = { from = "dist/index.js", sha256 = "" }\n')
    package = _package(vendoring, "export const door = 1;\n")
    vendoring.rehash(package, unpacked, manifest)
    assert manifest.read_text() == (
        f'# kept\n"index.js" = {{ from = "dist/index.js", sha256 = "{package.files[0].sha256}" }}\n'
    )

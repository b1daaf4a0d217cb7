"""The front-end files of others are the ones that the manifest names, with their licences."""

import hashlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
VENDOR = ROOT / "sesame" / "platform" / "web" / "static" / "vendor"
PACKAGES = tomllib.loads((ROOT / "assets" / "vendor.toml").read_text(encoding="utf-8"))["package"]


def test_each_vendored_file_has_the_manifests_hash():
    for package in PACKAGES:
        for target, of in package["files"].items():
            content = (VENDOR / package["folder"] / target).read_bytes()
            assert hashlib.sha256(content).hexdigest() == of["sha256"], target


def test_nothing_else_lies_in_the_vendor_folder():
    named = {
        f"{package['folder']}/{target}" for package in PACKAGES for target in package["files"]
    } | {f"{package['folder']}/LICENSE" for package in PACKAGES}
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert found == named


def test_each_package_states_version_and_licence_and_ships_its_text():
    for package in PACKAGES:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["licence"]
        assert len((VENDOR / package["folder"] / "LICENSE").read_text(encoding="utf-8")) > 500


def test_no_shipped_page_style_or_script_reaches_out_to_another_site():
    ours = [
        path
        for room in ("sesame", "cardsvc", "merchants")
        for kind in ("*.html", "*.css", "*.js")
        for path in (ROOT / room).rglob(kind)
        if "vendor" not in path.parts
    ]
    assert ours
    for path in ours:
        content = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|href)=["']https?://|url\(["']?https?://""", content), path


def test_every_icon_that_a_template_or_a_menu_names_is_shipped():
    shipped = {path.stem for path in (VENDOR / "lucide").glob("*.svg")}
    named = set()
    for room in ("sesame", "cardsvc", "merchants"):
        for path in (ROOT / room).rglob("*.html"):
            named |= set(re.findall(r"\bicon\(\"([a-z0-9-]+)\"", path.read_text("utf-8")))
        for path in (ROOT / room).rglob("*.py"):
            named |= set(re.findall(r"\bicon=\"([a-z0-9-]+)\"", path.read_text("utf-8")))
    assert named
    assert named - shipped == set()

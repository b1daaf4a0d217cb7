"""The export: plain files that anybody can check with sha256sum, there whole or not at all."""

import json
import subprocess
from hashlib import sha256

import psycopg
import pytest
from click.testing import CliRunner

from ledger.commands import ledger
from ledger.reasons import ExportExists
from sesame.platform.command import process
from sesame.platform.seal import (
    check_consistency,
    open_checkpoint,
    read_checkpoint,
    read_verifying_key,
)
from tests.ledger.sealed_book import plain_root


def lines_of(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    return [
        line
        for part in manifest["parts"]
        for line in (folder / part).read_bytes().removesuffix(b"\n").split(b"\n")
    ]


def test_the_lines_are_the_leaves_and_lead_to_the_checkpoint(sealed):
    sealed.captures(300)
    folder, checkpoint = sealed.export()
    lines = lines_of(folder)
    assert len(lines) == 302
    read = read_checkpoint(checkpoint.read_text())
    assert (read.size, read.root) == (302, plain_root(lines))
    assert [line.split(b"\t")[0].decode() for line in lines] == [
        str(each) for each in sealed.sealed_ids()
    ]
    made = b"".join(sha256(b"\x00" + line).digest() for line in lines)
    assert (folder / "leaf-hashes.bin").read_bytes() == made
    assert (folder / "leaf-ids.txt").read_text().split() == [str(i) for i in sealed.sealed_ids()]


def test_a_leaf_can_be_hashed_with_a_shell_alone(sealed):
    folder, _ = sealed.export()
    done = subprocess.run(
        "{ printf '\\000'; head -n 1 transfers-000001.tsv | tr -d '\\n'; } | sha256sum",
        shell=True, cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split()[0] == (folder / "leaf-hashes.bin").read_bytes()[:32].hex()


def test_the_manifest_says_how_long_each_file_is_and_its_hash(sealed):
    sealed.captures(10)
    folder, checkpoint = sealed.export(part_leaves=5)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["parts"] == [f"transfers-00000{number}.tsv" for number in (1, 2, 3)]
    there = {file.name for file in folder.iterdir()} - {"manifest.json"}
    assert set(manifest["files"]) == there
    for name, told in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert (told["bytes"], told["sha256"]) == (len(content), sha256(content).hexdigest())
    assert [len((folder / part).read_bytes().splitlines()) for part in manifest["parts"]] == [
        5,
        5,
        2,
    ]
    key = read_verifying_key((folder / "vkey").read_text())
    assert open_checkpoint(checkpoint.read_text(), key).size == manifest["size"] == 12
    assert (folder / "checkpoint").read_text() == checkpoint.read_text()


def test_the_accounts_are_those_of_the_book(sealed, database):
    folder, _ = sealed.export()
    rows = [line.split("\t") for line in (folder / "accounts.tsv").read_text().splitlines()]
    with psycopg.connect(database.url) as connection:
        accounts = connection.execute(
            "SELECT id::text, asset, kind, guarded, floor FROM ledger.account ORDER BY id"
        ).fetchall()
    assert [(r[0], r[1], r[2], r[3] == "t", int(r[4])) for r in rows] == accounts


def test_a_later_export_begins_with_the_same_lines(sealed):
    sealed.captures(3)
    first, _ = sealed.export()
    sealed.captures(3)
    second, _ = sealed.export()
    assert lines_of(second)[:5] == lines_of(first)
    assert len(lines_of(second)) == 8


def test_an_export_is_never_written_over_another(sealed):
    folder, _ = sealed.export()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    sealed.exports = 0
    with pytest.raises(ExportExists):
        sealed.export()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_an_export_that_fails_leaves_nothing(sealed, tmp_path, monkeypatch):
    monkeypatch.setattr("ledger.export.past_the_seal", lambda connection: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sealed.export()
    assert [each.name for each in tmp_path.iterdir() if "export" in each.name] == []
    assert not (tmp_path / "checkpoint-1.txt").exists()


@pytest.fixture
def run(settings, scheme, monkeypatch):
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", settings.database_url)
    process.cache_clear()
    yield lambda *arguments: CliRunner().invoke(ledger, [str(each) for each in arguments])
    process().database.dispose()
    process.cache_clear()


def test_the_commands_seal_sign_and_export(run, book, tmp_path):
    out, file = tmp_path / "out", tmp_path / "kept" / "checkpoint.txt"
    told = run("export", "--out", out, "--checkpoint", file, "--json")
    assert told.exit_code == 0
    assert json.loads(told.output) == {"folder": str(out), "size": 2, "missing": 0}
    key = run("checkpoint", "--key").output.strip()
    assert (out / "vkey").read_text().strip() == key
    assert run("checkpoint").output == file.read_text()
    book.capture(5)
    newer = json.loads(run("checkpoint", "--json").output)
    assert newer["size"] == 3
    assert open_checkpoint(newer["note"], read_verifying_key(key)).size == 3
    older = read_checkpoint(file.read_text())
    steps = json.loads(run("checkpoint", "--since", older.size, "--json").output)["consistency"]
    now = read_checkpoint(newer["note"])
    proof = [bytes.fromhex(step) for step in steps]
    check_consistency(older.size, older.root, now.size, now.root, proof)
    assert run("checkpoint", "--since", 99).exit_code != 0
    again = run("export", "--out", out, "--checkpoint", file)
    assert again.exit_code != 0
    assert run("verify", "--archive", out).exit_code == 0


def test_an_archive_that_was_cut_is_told(run, sealed, tmp_path):
    sealed.captures(1)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute("DELETE FROM ledger.transfer WHERE kind = 'capture'")
    told = run("verify", "--archive", tmp_path)
    assert told.exit_code == 1
    assert "export_truncated" in told.output


def test_the_command_says_what_is_gone_from_the_book(run, sealed, tmp_path):
    (capture,) = sealed.captures(1)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute("DELETE FROM ledger.transfer WHERE id = %s", [capture.id])
    told = run("export", "--out", tmp_path / "out", "--checkpoint", tmp_path / "c.txt")
    assert "1 sealed transfers are gone" in told.output

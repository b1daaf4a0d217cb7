"""`sesame-verify` against every way to change an export, or the book before it."""

import json
import shutil
import subprocess
import sys
from hashlib import sha256

import pytest

from ledger.auditor.findings import EXIT_CODES
from ledger.auditor.replay import KINDS
from ledger.leaves import LEAF_COLUMNS
from ledger.model import TRANSFER_KINDS
from sesame.platform.seal import new_signing_key, read_checkpoint, read_signing_key
from tests.ledger.test_seal_check import ALTERED

PART = "transfers-000001.tsv"


@pytest.fixture
def exported(sealed):
    """An export of twenty transfers, and its checkpoint kept elsewhere."""
    sealed.captures(18)
    return sealed.export()


def lines_of(folder):
    return (folder / PART).read_bytes().splitlines(keepends=True)


def write(folder, lines, *, manifest=True):
    """Put these lines into an export, and have its manifest agree."""
    content = b"".join(lines)
    (folder / PART).write_bytes(content)
    if manifest:
        told = json.loads((folder / "manifest.json").read_text())
        told["files"][PART] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        (folder / "manifest.json").write_text(json.dumps(told))


def id_of(line):
    return line[:36].decode()


def altered(line):
    fields = line.split(b"\t")
    fields[3] = b"999"
    return b"\t".join(fields)


def told(sesame_verify, *arguments):
    """Return code and transfers of what the program found; the exit code is the code's."""
    code, printed = sesame_verify(*arguments, "--json")
    answer = json.loads(printed)
    if answer["verified"]:
        assert code == 0
        return "verified", []
    assert code == EXIT_CODES[answer["code"]]
    return answer["code"], answer["transfers"]


def test_an_honest_export_is_verified(exported, sesame_verify):
    code, printed = sesame_verify(*exported)
    assert code == 0
    assert printed.startswith("verified: 20 transfers of region-val-d-ambre/ledger")


def test_an_older_checkpoint_is_verified_by_a_longer_export(sealed, sesame_verify):
    sealed.captures(18)
    _, old = sealed.export()
    sealed.captures(300)
    folder, new = sealed.export(part_leaves=100)
    assert sesame_verify(folder, old)[0] == 0
    code, printed = sesame_verify(folder, new, "--old", old, "--json")
    (between,) = json.loads(printed)["consistency"]
    assert (code, between["from"], between["to"]) == (0, 20, 320)
    assert between["path"]


def test_a_transfer_is_proved(sealed, sesame_verify):
    captures = sealed.captures(400)
    folder, checkpoint = sealed.export(part_leaves=150)
    for index in (0, 199, 398):
        transfer = str(captures[index].id)
        code, printed = sesame_verify(folder, checkpoint, "--proof", transfer, "--json")
        proof = json.loads(printed)["proof"]
        root = climb(proof["leaf"].encode(), proof["index"], 402, proof["path"])
        assert (code, root) == (0, read_checkpoint(checkpoint.read_text()).root)
        assert proof["leaf"].startswith(transfer)
    stranger = "01234567-89ab-7def-8123-456789abcdef"
    assert told(sesame_verify, folder, checkpoint, "--proof", stranger)[0] == "transfer_unknown"
    printed = sesame_verify(folder, checkpoint, "--proof", transfer)[1]
    assert f"{transfer} is leaf {proof['index']}" in printed


def climb(leaf, index, size, path):
    """RFC 9162's recursion read upwards: from a leaf to the root."""
    steps = [bytes.fromhex(step) for step in path]

    def root(index, size):
        if size == 1:
            return sha256(b"\x00" + leaf).digest()
        half = 1 << ((size - 1).bit_length() - 1)
        step = steps.pop()
        if index < half:
            return sha256(b"\x01" + root(index, half) + step).digest()
        return sha256(b"\x01" + step + root(index - half, size - half)).digest()

    return root(index, size)


@pytest.mark.parametrize("column", range(12), ids=LEAF_COLUMNS)
def test_every_altered_column_of_a_line_is_named(exported, sesame_verify, column):
    folder, checkpoint = exported
    lines = lines_of(folder)
    fields = lines[7].removesuffix(b"\n").split(b"\t")
    fields[column] = {
        3: b"999",
        4: b"refund",
        8: b"2026-01-01 00:00:00+00",
        9: b"2026-01-01 00:00:00+00",
        10: b"2026-01-01 00:00:00+00",
        11: b"77",
    }.get(column, b"01234567-89ab-7def-8123-456789abcdef")
    sealed_id = id_of(lines[7])
    lines[7] = b"\t".join(fields) + b"\n"
    write(folder, lines)
    code, transfers = told(sesame_verify, folder, checkpoint)
    assert (code, transfers[0]) == ("transfer_altered", sealed_id)


def test_the_first_dropped_inserted_or_exchanged_line_is_named(exported, sesame_verify):
    folder, checkpoint = exported
    honest = lines_of(folder)
    stranger = honest[4].replace(b"\t1\t", b"\t2\t").replace(b"01", b"02", 1)

    def found(lines):
        write(folder, lines)
        return told(sesame_verify, folder, checkpoint)

    ids = [id_of(line) for line in honest]
    assert found(honest[:5] + honest[6:]) == ("transfer_missing", [ids[5]])
    assert found(honest[1:]) == ("transfer_missing", [ids[0]])
    assert found(honest[:-1]) == ("transfer_missing", [ids[-1]])
    assert found([*honest[:5], stranger, *honest[5:]]) == ("transfer_inserted", [id_of(stranger)])
    assert found([*honest, stranger]) == ("transfer_inserted", [id_of(stranger)])
    swapped = [*honest[:5], honest[9], *honest[6:9], honest[5], *honest[10:]]
    assert found(swapped) == ("transfers_swapped", [ids[5], ids[9]])
    assert found([*honest[:5], stranger, *honest[6:]])[0] == "transfer_altered"
    moved = [*honest[:5], *honest[6:9], altered(honest[5]), *honest[9:]]
    assert found(moved) == ("transfer_altered", [ids[5], ids[6]])
    assert found(honest) == ("verified", [])


@pytest.mark.parametrize("column", LEAF_COLUMNS)
def test_a_column_altered_in_the_book_itself_is_named(sealed, sesame_verify, column):
    capture = sealed.captures(4)[2]
    _, kept = sealed.export()
    with sealed.tampering() as connection:
        connection.execute(
            f"UPDATE ledger.transfer SET {column} = {ALTERED.get(column, 'gen_random_uuid()')}"
            " WHERE id = %s",
            [capture.id],
        )
    folder, _ = sealed.export()
    code, transfers = told(sesame_verify, folder, kept)
    # Under another id it is gone from the book as it was sealed.
    expected = "transfer_missing" if column == "id" else "transfer_altered"
    assert (code, transfers[0]) == (expected, str(capture.id))


def test_a_row_dropped_from_the_book_or_put_in_past_the_seal_is_named(sealed, sesame_verify):
    capture = sealed.captures(4)[2]
    _, kept = sealed.export()
    with sealed.tampering() as connection:
        (stray,) = connection.execute(
            "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
            " correlation_id, counts_at, recorded_at, recorded_in) SELECT gen_random_uuid(),"
            " debit_account_id, credit_account_id, 5, kind, correlation_id, counts_at, recorded_at,"
            " recorded_in FROM ledger.transfer WHERE id = %s RETURNING id",
            [capture.id],
        ).fetchone()
    folder, _ = sealed.export()
    assert told(sesame_verify, folder, kept) == ("transfer_inserted", [str(stray)])
    with sealed.tampering() as connection:
        connection.execute("DELETE FROM ledger.transfer WHERE id = %s", [capture.id])
    folder, _ = sealed.export()
    assert told(sesame_verify, folder, kept) == ("transfer_missing", [str(capture.id)])


def test_a_seal_made_anew_over_a_changed_book_is_caught_by_a_kept_checkpoint(sealed, sesame_verify):
    """Whoever holds the database and the signing key rewrites it all: what left the house catches it."""
    captures = sealed.captures(3)
    _, first = sealed.export()
    more = sealed.captures(5)
    _, second = sealed.export()

    def found(*arguments):
        return told(sesame_verify, *arguments)

    with sealed.tampering() as connection:
        connection.execute("UPDATE ledger.transfer SET amount = 4 WHERE id = %s", [more[1].id])
    sealed.rebuild_the_seal()
    folder, forged = sealed.export()
    assert found(folder, forged) == ("verified", [])
    assert found(folder, first) == ("verified", [])
    assert found(folder, forged, "--old", second, "--old", first)[0] == "history_rewritten"
    _, printed = sesame_verify(folder, forged, "--old", second, "--old", first)
    assert "from leaf 6 to leaf 10" in printed

    changes = {
        "drop": ("DELETE FROM ledger.transfer WHERE id = %s", [captures[1].id]),
        "swap": (
            "UPDATE ledger.transfer SET amount = 4 - amount WHERE amount IN (1, 3) AND id = ANY (%s)",
            [[captures[0].id, captures[2].id]],
        ),
        "insert": (
            "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
            " correlation_id, counts_at, recorded_at, recorded_in) SELECT gen_random_uuid(),"
            " debit_account_id, credit_account_id, 5, kind, correlation_id, counts_at, recorded_at,"
            " recorded_in FROM ledger.transfer WHERE id = %s",
            [captures[0].id],
        ),
    }
    for statement, parameters in changes.values():
        with sealed.tampering() as connection:
            connection.execute(statement, parameters)
        sealed.rebuild_the_seal()
        folder, forged = sealed.export()
        assert found(folder, forged) == ("verified", [])
        assert found(folder, first)[0] == "history_rewritten"


def test_an_export_that_was_cut_says_so(exported, sesame_verify, tmp_path):
    honest, checkpoint = exported

    def cut(change):
        folder = tmp_path / "cut"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(honest, folder)
        change(folder)
        return told(sesame_verify, folder, checkpoint)[0]

    content = (honest / PART).read_bytes()
    assert cut(lambda folder: (folder / PART).write_bytes(content[:-300])) == "export_truncated"
    assert cut(lambda folder: (folder / PART).write_bytes(content[:-1])) == "export_truncated"
    shorter = b"".join(content.splitlines(keepends=True)[:-3])
    assert cut(lambda folder: (folder / PART).write_bytes(shorter)) == "export_truncated"
    for name in sorted(file.name for file in honest.iterdir()):
        if name != "checkpoint":
            assert cut(lambda folder, name=name: (folder / name).unlink()) == "export_truncated"
    for name in ("leaf-hashes.bin", "accounts.tsv", "rounds.tsv"):
        half = (honest / name).read_bytes()[:-9]
        cut_short = cut(lambda folder, name=name, half=half: (folder / name).write_bytes(half))
        assert cut_short == "export_truncated", name


def test_a_damaged_export_says_so(exported, sesame_verify, tmp_path):
    honest, checkpoint = exported

    def damaged(name, content):
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(honest, folder)
        (folder / name).write_bytes(content)
        return told(sesame_verify, folder, checkpoint)[0]

    def changed(name):
        content = (honest / name).read_bytes()
        return damaged(name, content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])

    assert damaged("manifest.json", b"{}") == "export_damaged"
    assert damaged("manifest.json", b"nonsense") == "export_damaged"
    assert changed("leaf-hashes.bin") == "export_damaged"
    assert changed("leaf-ids.txt") == "export_damaged"
    accounts = (honest / "accounts.tsv").read_bytes()
    assert damaged("accounts.tsv", accounts.replace(b"\t0\t", b"\tx\t")) == "export_damaged"
    manifest = json.loads((honest / "manifest.json").read_text())
    manifest["parts"] = ["../../etc/passwd"]
    assert damaged("manifest.json", json.dumps(manifest).encode()) == "export_damaged"


def test_a_checkpoint_by_another_key_malformed_or_beyond_is_refused(
    sealed, exported, sesame_verify, tmp_path
):
    folder, checkpoint = exported
    note = checkpoint.read_text()
    root = read_checkpoint(note).root
    other = new_signing_key("region-val-d-ambre/ledger")
    kept = tmp_path / "other.txt"
    kept.write_text(other.sign(20, root))
    assert told(sesame_verify, folder, kept)[0] == "checkpoint_wrong_key"
    kept.write_text(other.verifying.text)
    assert told(sesame_verify, folder, checkpoint, "--key", kept)[0] == "checkpoint_wrong_key"
    kept.write_text("nonsense")
    assert told(sesame_verify, folder, checkpoint, "--key", kept)[0] == "checkpoint_wrong_key"
    assert told(sesame_verify, folder, kept)[0] == "checkpoint_malformed"
    assert told(sesame_verify, folder, tmp_path / "nowhere")[0] == "checkpoint_malformed"
    key = read_signing_key((sealed.settings.keys_dir / "ledger-seal.key").read_text().strip())
    kept.write_text(key.sign(21, root))
    assert told(sesame_verify, folder, kept)[0] == "checkpoint_beyond_export"
    kept.write_text(key.verifying.text)
    assert told(sesame_verify, folder, checkpoint, "--key", kept) == ("verified", [])


def test_an_unsound_book_is_told_though_it_was_sealed(sealed, sesame_verify):
    """What somebody put into the book before a round is sealed, and the replay sees it."""
    (capture,) = sealed.captures(1)
    insert = (
        "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
        " correlation_id, counts_at, recorded_at) SELECT gen_random_uuid(), debit_account_id,"
        " {credit}, {amount}, kind, correlation_id, counts_at, recorded_at FROM ledger.transfer"
        " WHERE id = %s RETURNING id"
    )
    with sealed.tampering() as connection:
        connection.execute(insert.format(credit="credit_account_id", amount=999_999), [capture.id])
    folder, checkpoint = sealed.export()
    code, printed = sesame_verify(folder, checkpoint)
    assert code == EXIT_CODES["book_unsound"]
    assert f"account {sealed.book.entitlement} is below zero" in printed
    with sealed.tampering() as connection:
        (stray,) = connection.execute(
            insert.format(credit="gen_random_uuid()", amount=1), [capture.id]
        ).fetchone()
        connection.execute("DELETE FROM ledger.transfer WHERE amount = 999999")
    sealed.rebuild_the_seal()
    folder, checkpoint = sealed.export()
    assert told(sesame_verify, folder, checkpoint) == ("book_unsound", [str(stray)])


def test_the_kinds_are_those_of_the_book():
    assert {kind.encode() for kind in TRANSFER_KINDS} == KINDS


def test_the_program_runs_where_only_cryptography_is_installed(exported):
    """It is started with a finder that lets nothing else in."""
    folder, checkpoint = exported
    script = (
        "import sys\n"
        "class Door:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        root = name.split('.')[0]\n"
        "        if root not in allowed: raise ImportError('not let in: ' + name)\n"
        "allowed = set(sys.stdlib_module_names) | {'cryptography', '_cffi_backend', 'ledger', 'sesame'}\n"
        "sys.meta_path.insert(0, Door())\n"
        "from ledger.auditor.program import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(folder), str(checkpoint)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("verified: 20 transfers")


def test_the_help_shows_an_example_and_every_code(sesame_verify):
    code, printed = sesame_verify("--help")
    assert code == 0
    assert "sesame-verify export-2026" in printed
    assert all(each in printed for each in EXIT_CODES)
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)

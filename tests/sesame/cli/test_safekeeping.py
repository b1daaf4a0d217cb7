"""A backup holds all of an installation, and is restored whole or not at all."""

import hashlib
import os
import stat
import tarfile
from pathlib import Path

import psycopg
import pytest

from sesame.platform.database.embedded import EmbeddedServer

CUTS = (0.3, 0.6, 0.9)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A folder that the server's user may pass through, for this file's installations."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="sesame-safekeeping-"))
    folder.chmod(0o755)
    yield folder
    for each in folder.iterdir():
        if (each / "postgres").exists():
            EmbeddedServer(each / "postgres").stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture
def first(house, sesame) -> Path:
    """An installation with a scheme, keys, staff and a document; made once for the file."""
    data = house / "first"
    if not data.exists():
        for arguments, stdin in (
            (("init", "--name", "Région Exemple", "--issuer", "FR-EX"), ""),
            (("staff", "add", "--login", "a", "--name", "A", "--role", "officer"), "x" * 12),
        ):
            done = sesame(*arguments, stdin=stdin, SESAME_DATA_DIR=str(data))
            assert done.returncode == 0, done.stderr
        document = data / "files" / "runs" / "ÉTÉ 1.xml"
        document.parent.mkdir(parents=True)
        document.write_bytes(b"<Document/>")
        done = sesame("backup", house / "kept.tar", SESAME_DATA_DIR=str(data))
        assert done.returncode == 0, done.stderr
    return data


def content(data: Path) -> dict[str, list[str]]:
    """Every table of every room with its rows, read by SQL alone."""
    with psycopg.connect(EmbeddedServer(data / "postgres").url("postgres")) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN "
            "('platform', 'ledger', 'cardsvc', 'merchants', 'public', 'pgmq') ORDER BY 1"
        ).fetchall()
        return {
            table: [
                row[0] for row in connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            ]
            for (table,) in tables
        }


def shape(data: Path) -> list[tuple]:
    """Grants, owners, triggers and functions: what a restore could lose without losing a row."""
    with psycopg.connect(EmbeddedServer(data / "postgres").url("postgres")) as connection:
        return connection.execute(
            "SELECT c.oid::regclass::text, c.relowner::regrole::text, "
            "(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(c.relacl) a)::text FROM pg_class c "
            "WHERE c.relnamespace::regnamespace::text IN ('platform', 'ledger', 'cardsvc', 'merchants', 'pgmq') "
            "UNION ALL SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger "
            "WHERE NOT tgisinternal UNION ALL SELECT p.oid::regprocedure::text, p.proowner::regrole::text, "
            "md5(p.prosrc) FROM pg_proc p WHERE p.pronamespace::regnamespace::text IN "
            "('platform', 'ledger', 'cardsvc', 'merchants') ORDER BY 1, 2, 3"
        ).fetchall()


def files(data: Path) -> dict[str, tuple[str, str]]:
    """Keys and documents: their content's hash, and who may read them."""
    return {
        str(path.relative_to(data)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder",
            oct(stat.S_IMODE(path.stat().st_mode)),
        )
        for part in ("keys", "files")
        for path in [data / part, *sorted((data / part).rglob("*"))]
    }


def test_what_is_restored_is_the_same_to_the_row_and_the_byte(house, first, sesame):
    kept = house / "kept.tar"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    second = house / "second"
    done = sesame("restore", kept, SESAME_DATA_DIR=str(second))
    assert done.returncode == 0, done.stderr
    before, after = content(first), content(second)
    assert len(before) > 25
    assert before["platform.identity"]
    assert after == before
    assert shape(second) == shape(first)
    restored = files(second)
    assert {name: each[0] for name, each in restored.items()} == {
        name: each[0] for name, each in files(first).items()
    }
    assert {each[1] for each in restored.values() if each[0] == "folder"} == {"0o700"}
    assert {each[1] for each in restored.values() if each[0] != "folder"} == {"0o600"}
    assert any(name.startswith("keys/") and name.endswith(".secret") for name in restored)
    listed = sesame("staff", "list", "--json", SESAME_DATA_DIR=str(second))
    assert '"login": "a"' in listed.stdout


def test_nothing_is_restored_onto_data(house, first, sesame):
    before = (content(first), files(first))
    done = sesame("restore", house / "kept.tar", SESAME_DATA_DIR=str(first))
    assert done.returncode == 1
    assert "[restore_onto_data]" in done.stderr
    assert (content(first), files(first)) == before


def test_nothing_is_restored_onto_a_database_without_its_keys(house, first, on_database):
    done = on_database("restore", house / "kept.tar")
    assert done.returncode == 1
    assert "[restore_onto_data]" in done.stderr


@pytest.mark.parametrize("part", CUTS)
def test_an_archive_that_was_cut_is_refused_and_makes_nothing(house, first, sesame, tmp_path, part):
    with tarfile.open(house / "kept.tar") as archive:
        last = archive.getmembers()[-1]
    cut = tmp_path / "cut.tar"
    end = int((last.offset_data + last.size) * part)
    cut.write_bytes((house / "kept.tar").read_bytes()[:end])
    assert_refused(sesame("restore", cut), tmp_path)


def test_an_archive_cut_exactly_between_two_files_is_refused_too(house, first, sesame, tmp_path):
    with tarfile.open(house / "kept.tar") as archive:
        second = archive.getmembers()[1]
    cut = tmp_path / "cut.tar"
    cut.write_bytes((house / "kept.tar").read_bytes()[: second.offset])
    with tarfile.open(cut) as archive:
        assert archive.getnames() == ["database.dump"]  # it looks whole to tar
    assert_refused(sesame("restore", cut), tmp_path)


def test_an_archive_that_was_changed_is_refused(house, first, sesame, tmp_path):
    with tarfile.open(house / "kept.tar") as archive:
        key = next(each for each in archive.getmembers() if each.name.startswith("keys/"))
    changed = bytearray((house / "kept.tar").read_bytes())
    changed[key.offset_data] ^= 1
    (tmp_path / "changed.tar").write_bytes(changed)
    assert_refused(sesame("restore", tmp_path / "changed.tar"), tmp_path)


def test_a_file_that_is_no_archive_is_refused(sesame, tmp_path):
    (tmp_path / "photo.tar").write_bytes(os.urandom(4096))
    assert_refused(sesame("restore", tmp_path / "photo.tar"), tmp_path)


def assert_refused(done, tmp_path) -> None:
    assert done.returncode == 1
    assert "[backup_unreadable]" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "house").exists()


def test_a_backup_never_replaces_a_file(house, first, sesame, tmp_path):
    other = tmp_path / "other.tar"
    other.write_bytes(b"precious")
    done = sesame("backup", other, SESAME_DATA_DIR=str(first))
    assert done.returncode == 2
    assert other.read_bytes() == b"precious"


def test_a_backup_that_fails_leaves_no_half_of_one(sesame, tmp_path, settings):
    done = sesame(
        "backup", tmp_path / "kept.tar",
        SESAME_DATABASE_URL=settings.database_url.replace("/test_", "/no_such_"),
    )  # fmt: skip
    assert done.returncode == 1
    assert "pg_dump failed" in done.stderr
    assert not (tmp_path / "kept.tar").exists()

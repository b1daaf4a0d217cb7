"""Checkpoints as they are signed, kept and dated; and the loop that makes them."""

import stat
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ledger.checkpoints import checkpoints, latest_checkpoint, log_key, sign_checkpoint
from ledger.proofs import consistency_between, proof_for
from ledger.reasons import NothingSealed, SealBroken, UnknownTransfer
from ledger.sealer import Sealer, start_sealer
from sesame.platform.ids import uuid7
from sesame.platform.seal import check_consistency, check_inclusion, open_checkpoint


@pytest.fixture
def key(sealed, settings, scheme):
    return log_key(settings, scheme)


def test_the_key_is_made_once_and_for_its_owner_alone(settings, scheme):
    key = log_key(settings, scheme)
    assert key.name == "region-val-d-ambre/ledger"
    assert log_key(settings, replace(scheme, name="Another name")) == key
    file = settings.keys_dir / "ledger-seal.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_checkpoint_is_signed_when_something_new_was_sealed(sealed, database, key):
    with pytest.raises(NothingSealed):
        sealed.sign()
    sealed.seal()
    first = sealed.sign()
    assert open_checkpoint(first.note, key.verifying).size == 2
    assert sealed.sign() == first
    sealed.captures(1)
    sealed.seal()
    second = sealed.sign()
    with database.sessions() as session:
        assert latest_checkpoint(session) == second
        assert checkpoints(session) == [second, first]
        assert checkpoints(session, below=3) == [first]


def test_a_rewritten_log_is_not_signed_again(sealed, database, key):
    sealed.captures(3)
    sealed.seal()
    sealed.sign()
    with sealed.tampering() as connection:
        connection.execute("UPDATE ledger.transfer SET amount = 9 WHERE amount = 2")
        connection.execute("DELETE FROM ledger.seal_bundle")
        connection.execute("DELETE FROM ledger.seal_round")
    sealed.captures(1)
    sealed.seal()
    with pytest.raises(SealBroken):
        sealed.sign()
    with sealed.tampering() as connection:
        connection.execute("UPDATE ledger.checkpoint SET note = 'nonsense'")
    with pytest.raises(SealBroken):
        sealed.sign()
    with sealed.tampering() as connection:
        connection.execute("DELETE FROM ledger.seal_bundle")
    with pytest.raises(SealBroken):
        sealed.sign()


def test_every_sealed_transfer_has_its_proof(sealed, database, key):
    captures = sealed.captures(300)
    sealed.seal()
    with database.sessions() as session:
        assert proof_for(session, captures[0].id) is None
    checkpoint = open_checkpoint(sealed.sign().note, key.verifying)
    late = sealed.captures(1)[0]
    sealed.seal()
    with database.sessions() as session:
        for capture in captures[::60]:
            proof = proof_for(session, capture.id)
            assert proof.leaf.startswith(str(capture.id).encode())
            assert open_checkpoint(proof.note, key.verifying) == checkpoint
            check_inclusion(
                proof.leaf_hash, proof.index, checkpoint.size, proof.path, checkpoint.root
            )
        assert proof_for(session, late.id) is None
        with pytest.raises(UnknownTransfer):
            proof_for(session, uuid7(sealed.at))


def test_a_log_proves_that_it_begins_with_its_older_self(sealed, database, key):
    sealed.seal()
    old = open_checkpoint(sealed.sign().note, key.verifying)
    sealed.captures(5)
    sealed.seal()
    new = open_checkpoint(sealed.sign().note, key.verifying)
    with database.sessions() as session:
        proof = consistency_between(session, old.size, new.size)
        check_consistency(old.size, old.root, new.size, new.root, proof)
        for sizes in ((0, 7), (3, 2), (2, 8)):
            with pytest.raises(NothingSealed):
                consistency_between(session, *sizes)


@pytest.fixture
def authority(tmp_path):
    """A stamper of OpenSSL's: its configuration, its key and certificate."""
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\n[dn]\n"
        "[tsa_cert]\nextendedKeyUsage=critical,timeStamping\n"
        "[tsa]\ndefault_tsa=one\n[one]\n"
        f"serial={tmp_path}/serial\ndefault_policy=1.2.3.4.1\ndigests=sha256\n"
        f"signer_digest=sha256\nsigner_cert={tmp_path}/tsa.crt\nsigner_key={tmp_path}/tsa.key\n"
    )
    openssl(
        tmp_path,
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=A stamper", "-days", "9"),
        *("-config", "tsa.cnf", "-extensions", "tsa_cert"),
        *("-keyout", "tsa.key", "-out", "tsa.crt"),
    )
    return tmp_path


def openssl(folder, *arguments):
    return subprocess.run(
        ["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@contextmanager
def answering(answer):
    """An HTTP server that answers each POST with what `answer` makes of its body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, reply = answer(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stamped_by(folder):
    def answer(body):
        (folder / "query.tsq").write_bytes(body)
        openssl(
            folder,
            *("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq"),
            *("-out", "reply.tsr"),
        )
        return 200, (folder / "reply.tsr").read_bytes()

    return answer


def test_a_checkpoint_bears_a_time_stamp_that_openssl_verifies(sealed, database, authority):
    sealed.seal()
    with answering(stamped_by(authority)) as url:
        dated = sign_checkpoint(database, replace(sealed.settings, timestamp_url=url), at=sealed.at)
    (authority / "note").write_text(dated.note)
    (authority / "kept.tsr").write_bytes(dated.time_stamp)
    told = openssl(
        authority,
        *("ts", "-verify", "-data", "note", "-in", "kept.tsr", "-CAfile", "tsa.crt"),
    )
    assert "Verification: OK" in told
    with database.sessions() as session:
        assert latest_checkpoint(session) == dated


def test_a_stamper_that_fails_stops_nothing(sealed, database, authority):
    kept = []

    def of_something_else(body):
        if not kept:
            kept.append(stamped_by(authority)(body))
        return kept[0]

    answers = [
        lambda body: (500, b""),
        lambda body: (200, b"not a time stamp"),
        lambda body: (200, bytes.fromhex("30053003020102")),  # rejected
        of_something_else,
        of_something_else,
    ]
    stamps = []
    for answer in answers:
        sealed.captures(1)
        sealed.seal()
        with answering(answer) as url:
            settings = replace(sealed.settings, timestamp_url=url)
            stamps.append(sign_checkpoint(database, settings, at=sealed.at).time_stamp)
    assert [stamp is None for stamp in stamps] == [True, True, True, False, True]
    sealed.captures(1)
    sealed.seal()
    away = replace(sealed.settings, timestamp_url="http://127.0.0.1:9/")
    assert sign_checkpoint(database, away, at=sealed.at).time_stamp is None


def test_the_loop_seals_each_turn_and_signs_now_and_then(sealed, database, settings, clock):
    sealer = Sealer(database, settings, clock)
    sealer.turn()
    sealed.captures(1)
    sealer.turn()
    with database.sessions() as session:
        assert latest_checkpoint(session).size == 2
    hasty = Sealer(database, replace(settings, checkpoint_seconds=0), clock)
    hasty.turn()
    with database.sessions() as session:
        assert latest_checkpoint(session).size == 3


def test_the_loop_lives_through_a_changed_log_and_an_empty_one(
    sealed, database, settings, clock, capsys
):
    Sealer(database, settings, clock).turn()
    with sealed.tampering() as connection:
        connection.execute("UPDATE ledger.seal_round SET root = sha256('x')")
    sealed.captures(1)
    Sealer(database, settings, clock).turn()
    assert "seal_broken" in capsys.readouterr().out


def test_the_worker_s_thread_seals_by_itself(sealed, database, settings, clock, monkeypatch):
    turned = threading.Event()
    turn = Sealer.turn
    monkeypatch.setattr(Sealer, "turn", lambda self: (turn(self), turned.set()))
    thread = start_sealer(database, settings, clock, every_seconds=3600)
    assert turned.wait(20)
    assert thread.daemon
    assert len(sealed.sealed_ids()) == 2

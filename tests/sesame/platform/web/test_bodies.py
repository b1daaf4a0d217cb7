"""How much a request may send, and who may send a file."""

import io

import pytest
from flask import Blueprint, request

from sesame.platform.identity import hooks as identity_hooks
from sesame.platform.identity import requires
from sesame.platform.web import Registry, Shell, create_shell
from sesame.platform.web.api_blueprint import ApiBlueprint
from sesame.platform.web.bodies import LARGEST_BODY_BYTES, takes_file

FILE_BYTES = 300_000


class LongBody(io.RawIOBase):
    """A body of 2 MB that doesn't say so; counts what was read of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = min(len(buffer), 2 * 2**20 - self.taken)
        self.taken += size
        buffer[:size] = b"[" * size
        return size


def in_pieces(body: LongBody) -> dict:
    """What the server gives the application of a chunked request."""
    return {
        "wsgi.input": io.BufferedReader(body, 4096),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }


@pytest.fixture
def app(settings, database, clock, scheme):
    """Sign-in, a page that takes a school's file, one that takes a form, and a signed resource."""
    room = Blueprint("sending", __name__)

    @room.post("/file")
    @takes_file(FILE_BYTES)
    @requires("school")
    def file() -> str:
        return str(len(request.files["file"].read()))

    @room.post("/form")
    def form() -> str:
        return str(len(request.form["field"]))

    signed = ApiBlueprint("signed", __name__, url_prefix="/api/v1/signed")
    signed.signed_by_terminal = True

    @signed.post("")
    def resource() -> str:
        return str(len(request.get_data()))

    registry = Registry()
    identity_hooks.register(registry)
    registry.page(room)
    registry.api(signed)
    return create_shell(Shell(settings, database, clock), registry)


def test_a_resource_reads_so_much_and_no_more(client):
    kept = client.post("/api/v1/signed", data=b"x" * LARGEST_BODY_BYTES)
    assert (kept.status_code, kept.text) == (200, str(LARGEST_BODY_BYTES))
    refused = client.post("/api/v1/signed", data=b"x" * (LARGEST_BODY_BYTES + 1))
    assert (refused.status_code, refused.mimetype) == (413, "application/problem+json")
    assert (refused.json["code"], refused.json["title"]) == (
        "too_large",
        "Cet envoi est trop gros.",
    )


@pytest.mark.parametrize("path", ["/api/v1/signed", "/form", "/sign-in"])
def test_of_a_body_that_does_not_say_its_length_no_more_is_read(client, path):
    body = LongBody()
    answer = client.post(
        path,
        content_type="application/x-www-form-urlencoded",
        environ_overrides=in_pieces(body),
    )
    assert answer.status_code == 400 or answer.text == str(LARGEST_BODY_BYTES)
    assert LARGEST_BODY_BYTES <= body.taken < 2 * LARGEST_BODY_BYTES


def test_a_page_says_it_in_words(client):
    refused = client.post("/sign-in", data={"login": "x" * LARGEST_BODY_BYTES})
    assert (refused.status_code, refused.mimetype) == (413, "text/html")
    assert "Cet envoi est trop gros." in refused.get_data(as_text=True)


def test_nobody_who_is_not_signed_in_sends_a_file(client):
    body = LongBody()
    refused = client.post(
        "/file",
        content_type="multipart/form-data; boundary=x",
        environ_overrides=in_pieces(body),
    )
    assert (refused.status_code, refused.location) == (303, "/sign-in")
    assert body.taken == 0


def test_only_the_role_that_the_page_is_for_sends_a_file(client, add_person):
    add_person("officer")
    client.sign_in("officer")
    refused = client.post("/file", data={"file": (io.BytesIO(b"x" * FILE_BYTES), "roll.csv")})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("size", "status"), [(FILE_BYTES, 200), (FILE_BYTES + 2 * LARGEST_BODY_BYTES, 413)]
)
def test_a_file_has_a_limit_of_its_own(client, add_person, size, status):
    add_person("school")
    client.sign_in("school")
    (token,) = set(client.read("/nowhere").xpath("//input[@name='csrf_token']/@value"))
    form = {"csrf_token": token, "file": (io.BytesIO(b"x" * size), "roll.csv")}
    sent = client.post("/file", data=form)
    assert sent.status_code == status
    assert status == 413 or sent.text == str(size)


def test_the_forms_token_is_asked_of_a_file_too(client, add_person):
    add_person("school")
    client.sign_in("school")
    refused = client.post("/file", data={"file": (io.BytesIO(b"x" * FILE_BYTES), "roll.csv")})
    assert refused.status_code == 400


def test_a_page_that_anybody_may_open_can_not_take_a_file():
    with pytest.raises(ValueError, match="requires a role"):
        takes_file(FILE_BYTES)(lambda: "")

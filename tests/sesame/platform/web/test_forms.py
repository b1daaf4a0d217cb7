"""No form is taken from another site."""

from sqlalchemy import text


def test_a_form_without_its_token_is_refused_and_changes_nothing(client, add_person, database):
    add_person("officer")
    answer = client.post(
        "/sign-in", data={"login": "officer", "password": "une longue phrase que je retiens"}
    )
    assert answer.status_code == 400
    assert "form_expired" in answer.get_data(as_text=True)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM platform.session")) == 0


def test_a_token_of_another_browser_is_refused(app, client):
    (token,) = (
        app.test_client().get("/sign-in").get_data(as_text=True).split('csrf_token" value="')[1:2]
    )
    answer = client.post("/language", data={"locale": "en", "csrf_token": token.partition('"')[0]})
    assert answer.status_code == 400
    assert client.read("/").get("lang") == "fr"


def test_a_refused_form_offers_to_open_its_page_again(client):
    page = client.post("/sign-in", data={}).get_data(as_text=True)
    assert 'class="btn" href="/sign-in"' in page

"""French first, English second, chosen at the foot of any page."""


def test_a_french_browser_reads_french_and_an_english_one_english(client):
    assert client.read("/").get("lang") == "fr"
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en-GB,en;q=0.9"
    assert client.read("/").get("lang") == "en"


def test_any_other_browser_reads_french(client):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    assert client.read("/").get("lang") == "fr"


def test_the_choice_is_kept_and_leads_back_to_the_same_page(client):
    answer = client.submit("/sign-in?next=/console", "/language", locale="en")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/console"
    assert client.read("/sign-in").xpath("string(//h1)") == "Sign in"


def test_the_choice_outlives_signing_in(client, add_person):
    add_person("officer")
    client.submit("/", "/language", locale="en")
    client.sign_in("officer")
    assert client.read("/console").get("lang") == "en"


def test_a_language_that_is_not_spoken_here_changes_nothing(client):
    client.submit("/", "/language", locale="xx")
    assert client.read("/").get("lang") == "fr"


def test_the_page_of_a_refused_form_leads_back_to_its_form(client):
    answer = client.submit("/", "/language", next="/sign-in")
    assert answer.location == "/sign-in"
    refused = client.sign_in("nobody")
    assert 'name="next" value="/sign-in"' in refused.get_data(as_text=True)

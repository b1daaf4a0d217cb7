"""The front page shows each person the door that is theirs."""


def _doors(page):
    return [link.get("href") for link in page.xpath("//nav[@class='doors']/a")]


def test_a_stranger_sees_three_doors(client):
    page = client.read("/")
    assert _doors(page) == ["/enrol", "/till", "/sign-in"]
    assert "Région Val-d'Ambre" in page.text_content()


def test_a_young_person_goes_on_to_their_card(client, add_person):
    add_person("beneficiary")
    client.sign_in("beneficiary")
    assert _doors(client.read("/")) == ["/wallet", "/till"]


def test_an_officer_goes_on_to_the_console(client, add_person):
    add_person("officer")
    client.sign_in("officer")
    assert _doors(client.read("/"))[0] == "/console"


def test_a_demonstration_says_that_it_is_one(client):
    assert client.read("/").xpath("string(//*[@class='tag warn'])") == "Démonstration"

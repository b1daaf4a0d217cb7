"""A path that a page is sent back to never leaves the site."""

import pytest

from sesame.platform.web.inside import inside_path


@pytest.mark.parametrize("path", ["/", "/console", "/console/runs?page=2", "/a/b%20c#d"])
def test_a_path_of_this_site_is_kept(path):
    assert inside_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        None,
        "",
        "console",
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        "/ /elsewhere.example",
        "/%s" % ("a" * 2000),
        "javascript:alert(1)",
    ],
)
def test_anything_that_a_browser_could_read_as_another_site_is_dropped(elsewhere):
    assert inside_path(elsewhere) is None


@pytest.mark.browser
def test_signing_in_never_leaves_the_site(look, add_person):
    add_person("officer")
    for trick in ("//127.0.0.2", "/%09/127.0.0.2", "/%5C127.0.0.2", "https://a.b"):
        page = look.page()
        page.goto(f"/sign-in?next={trick}")
        page.fill("#login", "officer")
        page.fill("#password", "une longue phrase que je retiens")
        page.click("main button")
        page.wait_for_url(f"{look.site}/console")
        page.goto(f"/sign-in?next={trick}")
        assert page.url == f"{look.site}/console", trick


def test_changing_the_language_never_leaves_the_site(client):
    for elsewhere in ("//elsewhere.example", "/\t/elsewhere.example", "https://elsewhere.example"):
        assert client.submit("/", "/language", next=elsewhere).location == "/"

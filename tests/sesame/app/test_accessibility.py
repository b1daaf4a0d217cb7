"""The pages of the shell, judged by axe at a phone's and a desk's width, by day and by night."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PASSWORD = "une longue phrase que je retiens"


def _enter(page, role):
    page.goto("/sign-in")
    page.fill("#login", role)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "sign-in" not in url)


def _complaints(page):
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], each["impact"], [node["html"] for node in each["nodes"]]) for each in found
    ]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_to_mend(look, add_person, panels, width, scheme):
    for role in ("officer", "beneficiary", "school"):
        add_person(role)
    stranger = look.page(width=width, scheme=scheme)
    found = {}
    for path in ("/", "/sign-in", "/nowhere"):
        stranger.goto(path)
        found[path] = _complaints(stranger)
    stranger.goto("/sign-in")
    stranger.fill("#login", "officer")
    stranger.fill("#password", "wrong")
    stranger.click("main button")
    stranger.wait_for_selector(".notice.no")
    found["sign-in refused"] = _complaints(stranger)
    _enter(stranger, "officer")
    for path in ("/console", "/console/runs", "/"):
        stranger.goto(path)
        found[f"officer {path}"] = _complaints(stranger)
    panels.todo.clear()
    panels.standing.clear()
    stranger.goto("/console")
    found["nothing waits"] = _complaints(stranger)
    for role in ("beneficiary", "school"):
        page = look.page(width=width, scheme=scheme)
        _enter(page, role)
        found[role] = _complaints(page)
    assert {place: complaints for place, complaints in found.items() if complaints} == {}

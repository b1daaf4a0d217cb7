"""The first page of each role: where signing in leads, and the way out of an error."""

from sesame.platform.identity.sessions import signed_in_or_none
from sesame.platform.web.inside import leads_to_a_page

# In order of preference: the first that this installation serves.
HOMES = {
    "beneficiary": ("/wallet",),
    "school": ("/school",),
    "merchant": ("/portal", "/till"),
    "officer": ("/console",),
    "accountant": ("/console",),
    "auditor": ("/console",),
}


def home_of(role: str) -> str:
    """Return the path of the first page of `role`; the front page when it has none here."""
    return next((path for path in HOMES[role] if leads_to_a_page(path)), "/")


def own_home() -> str:
    """Return the first page of whoever is signed in, else the front page."""
    identity = signed_in_or_none()
    return home_of(identity.role) if identity else "/"

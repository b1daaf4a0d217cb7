"""Who signs in: people, with a role; and the sessions of their browsers."""

from sesame.platform.identity.accounts import (
    create_identity,
    list_identities,
    sign_in_with_password,
)
from sesame.platform.identity.open_sessions import (
    end_every_session,
    end_sessions,
    open_session,
)
from sesame.platform.identity.sessions import (
    Identity,
    carry_session,
    end_session,
    requires,
    signed_in,
    signed_in_or_none,
    start_session,
)

__all__ = [
    "Identity",
    "carry_session",
    "create_identity",
    "end_every_session",
    "end_session",
    "end_sessions",
    "list_identities",
    "open_session",
    "requires",
    "sign_in_with_password",
    "signed_in",
    "signed_in_or_none",
    "start_session",
]

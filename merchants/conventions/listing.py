"""The state of many merchants' conventions: for lists."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.orm import Session

_STATES = text(
    "SELECT m, merchants.convention_state(m, :at) ->> 'state' FROM unnest(:merchants) AS m"
).bindparams(bindparam("merchants", type_=ARRAY(Uuid())))


def convention_states(
    session: Session, merchant_ids: Sequence[UUID], at: datetime
) -> dict[UUID, str | None]:
    """Return the state of each merchant's convention at `at`; None where none is in force."""
    rows = session.execute(_STATES, {"merchants": list(merchant_ids), "at": at})
    return {merchant_id: state for merchant_id, state in rows}

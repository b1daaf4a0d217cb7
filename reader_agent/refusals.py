"""What the agent can't or won't do: stable codes. `wording` has the sentences."""


class AgentRefused(Exception):
    """Something that the agent could not do; nothing was booked because of it.

    :param code: stable.
    :param detail: a sentence that says more than the code's own, the server's when it gave one.
    """

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class AnswerUnknown(Exception):
    """A sale was sent and its answer is not known yet: it may be booked.

    :param idempotency_key: by which the answer will be found; the agent keeps it.
    """

    def __init__(self, idempotency_key: str) -> None:
        super().__init__("answer_unknown")
        self.idempotency_key = idempotency_key

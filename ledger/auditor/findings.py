"""What an audit can find, each with a stable code word and exit code."""

EXIT_CODES = {
    "export_truncated": 3,
    "export_damaged": 4,
    "checkpoint_malformed": 5,
    "checkpoint_wrong_key": 6,
    "checkpoint_beyond_export": 7,
    "transfer_altered": 10,
    "transfer_missing": 11,
    "transfer_inserted": 12,
    "transfers_swapped": 13,
    "history_rewritten": 14,
    "book_unsound": 15,
    "transfer_unknown": 16,
}


class AuditFailed(Exception):
    """The audit ends here. code: one of EXIT_CODES. transfers: the ids it is about, the first first."""

    def __init__(self, code: str, message: str, transfers: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.transfers = transfers

    @property
    def exit_code(self) -> int:
        """What the program ends with."""
        return EXIT_CODES[self.code]

-- Who may call what. Last of the ledger's files: a function is for everybody until it is said otherwise.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ledger.post_transfers, ledger.post_sets, ledger.post_keyed, ledger.post_many_keyed,
    ledger.claim_key, ledger.claim_keys, ledger.open_account, ledger.create_share_plan,
    ledger.post_grants, ledger.post_ticket_grants, ledger.reserve, ledger.capture_hold,
    ledger.void_hold, ledger.lapse_holds, ledger.give_back, ledger.take_back, ledger.expire,
    ledger.withdraw, ledger.regrant, ledger.capture_tickets, ledger.refund_tickets,
    ledger.close_books, ledger.checkpoint_balances
TO sesame_app;
GRANT EXECUTE ON FUNCTION
    ledger.may_go, ledger.count_same, ledger.find_outcome, ledger.balance_of, ledger.total_of, ledger.movements,
    ledger.balances_as_of, ledger.parts, ledger.parts_between, ledger.contributed, ledger.expired
TO sesame_app, sesame_reader;

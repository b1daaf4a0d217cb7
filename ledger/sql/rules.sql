-- How money moves. The application role writes no table of this schema: it calls these functions, which
-- run with their owner's rights and keep every rule of the book. Every function takes its time as a
-- parameter. Outcomes are SQLSTATEs:
--   SL001 insufficient balance      SL002 unknown account        SL003 two assets
--   SL004 not a movement of its kind                             SL005 counts in a closed period
--   SL006 unknown hold  SL007 above the hold  SL008 the hold lapsed  SL009 the hold has ended
--   SL010 takes back more than there was      SL011 nothing to take back
--   SL012 a ticket's price above its face value             SL013 a key was taken meanwhile
--   SL014 an amount out of range
--   23505 on the transfer's key when an id was used before (see ledger.count_same).
-- Lock order: the books' shared lock, balances by account id, what was corrected by transfer id, keys.
-- Planned once a connection, and without sequential scans: whatever the arrays hold, rows are looked up by
-- their key, planning costs more than doing it, and a plan made while a table was empty outlives that.
-- The functions below the published ones run under the same settings.

-- The ways that a transfer of each kind may go, between kinds of accounts.
CREATE OR REPLACE FUNCTION ledger.may_go(p_kind text, p_debit text, p_credit text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE p_kind
        WHEN 'capture' THEN (p_debit IN ('entitlement', 'backing') AND p_credit = 'payable')
                            OR (p_debit = 'entitlement' AND p_credit = 'used')
        WHEN 'fund' THEN p_debit = 'funding' AND p_credit = 'envelope'
        WHEN 'correction' THEN p_debit = 'envelope' AND p_credit = 'funding'
        WHEN 'remit' THEN (p_debit, p_credit) IN (('payable', 'in_transit'), ('in_transit', 'payable'))
        WHEN 'settle' THEN p_debit = 'in_transit' AND p_credit = 'paid'
        WHEN 'return' THEN p_debit IN ('paid', 'in_transit') AND p_credit = 'payable'
        WHEN 'grant' THEN (p_debit = 'envelope' AND p_credit IN ('entitlement', 'backing'))
                          OR (p_debit = 'issued' AND p_credit = 'entitlement')
        WHEN 'regrant' THEN (p_debit = 'envelope' AND p_credit IN ('entitlement', 'backing'))
                            OR (p_debit = 'issued' AND p_credit = 'entitlement')
        WHEN 'release' THEN p_debit = 'backing' AND p_credit = 'envelope'
        WHEN 'expiry' THEN (p_debit IN ('entitlement', 'backing') AND p_credit = 'envelope')
                           OR (p_debit = 'entitlement' AND p_credit = 'issued')
        WHEN 'withdrawal' THEN (p_debit IN ('entitlement', 'backing') AND p_credit = 'envelope')
                               OR (p_debit = 'entitlement' AND p_credit = 'issued')
        WHEN 'cancellation' THEN
            (p_debit = 'payable' AND p_credit IN ('entitlement', 'backing', 'envelope'))
            OR (p_debit = 'used' AND p_credit = 'entitlement')
            OR (p_debit = 'envelope' AND p_credit = 'backing')
        WHEN 'refund' THEN
            (p_debit = 'payable' AND p_credit IN ('entitlement', 'backing', 'envelope'))
            OR (p_debit = 'used' AND p_credit = 'entitlement')
            OR (p_debit = 'envelope' AND p_credit = 'backing')
        ELSE false END
$$;

-- Those of them that anybody may post as they are: the others keep funders' shares, tickets and their
-- backing, or what they take back together, and have functions of their own.
CREATE OR REPLACE FUNCTION ledger.may_go_alone(p_kind text, p_debit text, p_credit text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE p_kind
        WHEN 'capture' THEN p_debit = 'entitlement' AND p_credit = 'payable'
        WHEN 'fund' THEN p_debit = 'funding' AND p_credit = 'envelope'
        WHEN 'remit' THEN (p_debit, p_credit) IN (('payable', 'in_transit'), ('in_transit', 'payable'))
        WHEN 'settle' THEN p_debit = 'in_transit' AND p_credit = 'paid'
        ELSE false END
$$;

-- Takes the books' lock as everybody who posts does (closing takes it alone), and gives the moment
-- before which nothing may count any more.
CREATE OR REPLACE FUNCTION ledger.open_books() RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- An older snapshot would not see what was closed since.
        RAISE EXCEPTION 'money moves in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7305789);
    RETURN coalesce((SELECT max(closed_before) FROM ledger.closing), '-infinity');
END $$;

-- Takes the books' lock, and raises SL005 where nothing may count at that moment any more.
CREATE OR REPLACE FUNCTION ledger.check_open(p_counts_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_counts_at < ledger.open_books() THEN
        RAISE EXCEPTION 'the books are closed there' USING ERRCODE = 'SL005';
    END IF;
END $$;

-- Frees what holds that have lapsed by `p_at` still keep of these accounts, whose balances are locked.
CREATE OR REPLACE FUNCTION ledger.free_lapsed(p_accounts uuid[], p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_freed bigint;
BEGIN
    WITH lapsed AS (
        UPDATE ledger.hold SET state = 'lapsed', ended_at = p_at
         WHERE account_id = ANY (p_accounts) AND state = 'open' AND lapses_at <= p_at
        RETURNING account_id, amount - captured AS left_over
    ), freed AS (
        UPDATE ledger.balance b SET held = b.held - l.left_over
          FROM (SELECT account_id, sum(left_over)::bigint AS left_over
                  FROM lapsed GROUP BY account_id) l
         WHERE b.account_id = l.account_id
        RETURNING 1
    )
    SELECT count(*) INTO v_freed FROM freed;
    RETURN v_freed;
END $$;

-- Counts that a transfer takes back `p_amount` of `p_id`; raises SL010 above what that one moved.
CREATE OR REPLACE FUNCTION ledger.count_corrected(p_id uuid, p_moved bigint, p_amount bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_amount > p_moved THEN
        RAISE EXCEPTION 'more than was moved' USING ERRCODE = 'SL010';
    END IF;
    INSERT INTO ledger.corrected AS c (transfer_id, amount, corrected)
    VALUES (p_id, p_moved, p_amount)
    ON CONFLICT (transfer_id) DO UPDATE SET corrected = c.corrected + EXCLUDED.corrected
     WHERE c.corrected + EXCLUDED.corrected <= c.amount;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'more than was left of it' USING ERRCODE = 'SL010';
    END IF;
END $$;

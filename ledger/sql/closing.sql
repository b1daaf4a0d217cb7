-- Closing: from then on nothing may count before that moment.

-- Waits for whoever posts at this moment, and they for it; the caller bounds that by lock_timeout.
CREATE OR REPLACE FUNCTION ledger.close_books(
    p_before timestamptz, p_by uuid, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305789);
    INSERT INTO ledger.closing (closed_before, recorded_at, closed_by) VALUES (p_before, p_at, p_by);
END $$;

-- Keeps what each account held at a closing, for those that moved since the closing before. It reads
-- what can't change any more, so it locks nobody out.
CREATE OR REPLACE FUNCTION ledger.checkpoint_balances(p_before timestamptz, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_since timestamptz;
    v_kept bigint;
BEGIN
    IF EXISTS (SELECT 1 FROM ledger.checkpointing WHERE counts_before = p_before) THEN
        RETURN 0;
    END IF;
    SELECT coalesce(max(counts_before), '-infinity') INTO v_since FROM ledger.checkpointing
     WHERE counts_before < p_before;
    INSERT INTO ledger.balance_checkpoint (account_id, counts_before, balance)
    SELECT moved.account_id, p_before, moved.delta + coalesce(
               (SELECT c.balance FROM ledger.balance_checkpoint c
                 WHERE c.account_id = moved.account_id AND c.counts_before <= v_since
                 ORDER BY c.counts_before DESC LIMIT 1), 0)
      FROM (SELECT account_id, sum(delta)::bigint AS delta FROM (
                SELECT credit_account_id AS account_id, amount AS delta FROM ledger.transfer
                 WHERE counts_at >= v_since AND counts_at < p_before
                UNION ALL
                SELECT debit_account_id, -amount FROM ledger.transfer
                 WHERE counts_at >= v_since AND counts_at < p_before) legs
             GROUP BY account_id) moved;
    GET DIAGNOSTICS v_kept = ROW_COUNT;
    INSERT INTO ledger.checkpointing (counts_before, accounts, recorded_at)
    VALUES (p_before, v_kept, p_at);
    RETURN v_kept;
END $$;

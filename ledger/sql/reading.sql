-- What the rooms above read, set-based.

-- What can be spent of guarded accounts at a moment, as {"account id": units}: their balance less what
-- is held and hasn't lapsed by then.
CREATE OR REPLACE FUNCTION ledger.balance_of(p_accounts uuid[], p_at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(b.account_id, b.balance - CASE WHEN b.held = 0 THEN 0 ELSE (
               SELECT coalesce(sum(h.amount - h.captured), 0) FROM ledger.hold h
                WHERE h.account_id = b.account_id AND h.state = 'open' AND h.lapses_at > p_at) END),
           '{}')
      FROM ledger.balance b WHERE b.account_id = ANY (p_accounts)
$$;

-- What guarded accounts hold together, held amounts included.
CREATE OR REPLACE FUNCTION ledger.total_of(p_accounts uuid[]) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(balance), 0)::bigint FROM ledger.balance WHERE account_id = ANY (p_accounts)
$$;

-- What came into (above zero) and went out of (below zero) the accounts and counts before
-- `p_before`: one row for each side of a transfer. For set-based readers of the rooms above.
CREATE OR REPLACE FUNCTION ledger.movements(p_accounts uuid[], p_before timestamptz)
RETURNS TABLE (transfer_id uuid, account_id uuid, amount bigint, kind text, counts_at timestamptz)
LANGUAGE sql STABLE ROWS 100000 AS $$
    SELECT t.id, t.credit_account_id, t.amount, t.kind, t.counts_at FROM ledger.transfer t
     WHERE t.credit_account_id = ANY (p_accounts) AND t.counts_at < p_before
    UNION ALL
    SELECT t.id, t.debit_account_id, -t.amount, t.kind, t.counts_at FROM ledger.transfer t
     WHERE t.debit_account_id = ANY (p_accounts) AND t.counts_at < p_before
$$;

-- What accounts held at a moment: what counts before `p_counted_before`, as far as it was recorded
-- before `p_recorded_before`. Starts at the latest closing that both clocks had passed.
CREATE OR REPLACE FUNCTION ledger.balances_as_of(
    p_accounts uuid[], p_counted_before timestamptz, p_recorded_before timestamptz
) RETURNS TABLE (account_id uuid, balance bigint) LANGUAGE sql STABLE AS $$
    WITH base AS (
        SELECT coalesce(max(k.counts_before), '-infinity') AS since
          FROM ledger.checkpointing k JOIN ledger.closing c ON c.closed_before = k.counts_before
         WHERE k.counts_before <= p_counted_before AND c.recorded_at <= p_recorded_before
    )
    SELECT a.id,
           coalesce((SELECT c.balance FROM ledger.balance_checkpoint c, base
                      WHERE c.account_id = a.id AND c.counts_before <= base.since
                      ORDER BY c.counts_before DESC LIMIT 1), 0)
         + coalesce((SELECT sum(t.amount) FROM ledger.transfer t, base
                      WHERE t.credit_account_id = a.id AND t.counts_at >= base.since
                        AND t.counts_at < p_counted_before
                        AND t.recorded_at < p_recorded_before), 0)::bigint
         - coalesce((SELECT sum(t.amount) FROM ledger.transfer t, base
                      WHERE t.debit_account_id = a.id AND t.counts_at >= base.since
                        AND t.counts_at < p_counted_before
                        AND t.recorded_at < p_recorded_before), 0)::bigint
      FROM unnest(p_accounts) AS a(id)
$$;

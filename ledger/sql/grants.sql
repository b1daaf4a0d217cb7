-- Granting: opens accounts and funds them from the share plan's envelopes, in a few statements for as
-- many grants as the arrays hold. In the order of their ids: every index then grows at its right edge.

-- Takes each funder's part of these grants from its envelope and writes the transfers; the accounts hold
-- their amounts already. SL001 when an envelope can't bear its part. Gives the total.
CREATE OR REPLACE FUNCTION ledger.fund_grants(
    p_accounts uuid[], p_amounts bigint[], p_share_plan uuid, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_amounts bigint[];
    v_envelopes uuid[];
    v_parts bigint[];
    v_owing bigint;
    v_paid bigint;
    v_total bigint;
    v_ids text[] := platform.uuid7_base(p_recorded_at);
BEGIN
    PERFORM ledger.check_open(p_counts_at);
    -- Few amounts differ: each one's parts are worked out once.
    SELECT array_agg(a.amount), array_agg(p.envelope_id), array_agg(p.amount)
      INTO v_amounts, v_envelopes, v_parts
      FROM (SELECT DISTINCT amount FROM unnest(p_amounts) AS amount) a
     CROSS JOIN LATERAL ledger.parts(p_share_plan, a.amount) p
     WHERE p.amount > 0;
    WITH owed AS (
        SELECT p.envelope_id, sum(p.part * n.times)::bigint AS amount
          FROM (SELECT amount, count(*) AS times FROM unnest(p_amounts) AS amount GROUP BY amount) n
          JOIN unnest(v_amounts, v_envelopes, v_parts) AS p(amount, envelope_id, part) USING (amount)
         GROUP BY p.envelope_id
    ), locked AS (
        SELECT b.account_id, owed.amount FROM ledger.balance b
          JOIN owed ON owed.envelope_id = b.account_id
         ORDER BY b.account_id FOR UPDATE OF b
    ), paid AS (
        UPDATE ledger.balance b SET balance = b.balance - locked.amount FROM locked
         WHERE b.account_id = locked.account_id AND b.balance - b.held - locked.amount >= b.floor
        RETURNING locked.amount
    )
    SELECT (SELECT count(*) FROM owed), (SELECT count(*) FROM paid),
           (SELECT coalesce(sum(amount), 0) FROM paid)
      INTO v_owing, v_paid, v_total;
    IF v_paid <> v_owing THEN
        RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
    END IF;
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    SELECT platform.uuid7_nth(v_ids, row_number() OVER () - 1), envelope_id, id, part, 'grant',
           p_correlation, p_counts_at, p_recorded_at
      FROM (SELECT p.envelope_id, t.id, p.part
              FROM unnest(p_accounts, p_amounts) AS t(id, amount)
              JOIN unnest(v_amounts, v_envelopes, v_parts) AS p(amount, envelope_id, part)
                USING (amount)
             ORDER BY t.id) ordered;
    RETURN v_total;
END $$;

-- Opens one guarded entitlement account for each element and funds it; gives the total in cents.
CREATE OR REPLACE FUNCTION ledger.post_grants(
    p_accounts uuid[], p_amounts bigint[], p_share_plan uuid, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.account (id, asset, kind, guarded, floor, share_plan_id, created_at)
    SELECT id, 'EUR', 'entitlement', true, 0, p_share_plan, p_recorded_at
      FROM unnest(p_accounts) AS id ORDER BY id;
    INSERT INTO ledger.balance (account_id, balance, held, floor)
    SELECT id, amount, 0, 0 FROM unnest(p_accounts, p_amounts) AS t(id, amount) ORDER BY id;
    RETURN ledger.fund_grants(p_accounts, p_amounts, p_share_plan, p_correlation, p_counts_at,
                              p_recorded_at);
END $$;

-- Opens a ticket account for each element, and the backing account that holds their face value in cents
-- (none in kind, at 0). Gives the cents set aside.
CREATE OR REPLACE FUNCTION ledger.post_ticket_grants(
    p_tickets uuid[], p_backings uuid[], p_counts bigint[], p_asset text, p_unit_cents bigint,
    p_share_plan uuid, p_correlation uuid, p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_issued uuid := ledger.ticket_account(p_asset, 'issued', p_recorded_at);
    v_ids text[] := platform.uuid7_base(p_recorded_at);
BEGIN
    PERFORM ledger.check_open(p_counts_at);
    INSERT INTO ledger.account (id, asset, kind, guarded, floor, share_plan_id, unit_cents, created_at)
    SELECT id, p_asset, 'entitlement', true, 0, p_share_plan, p_unit_cents, p_recorded_at
      FROM unnest(p_tickets) AS id ORDER BY id;
    INSERT INTO ledger.balance (account_id, balance, held, floor)
    SELECT id, tickets, 0, 0 FROM unnest(p_tickets, p_counts) AS t(id, tickets) ORDER BY id;
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    SELECT platform.uuid7_nth(v_ids, row_number() OVER () - 1), v_issued, id, tickets, 'grant',
           p_correlation, p_counts_at, p_recorded_at
      FROM (SELECT id, tickets FROM unnest(p_tickets, p_counts) AS t(id, tickets) ORDER BY id) ordered;
    IF p_unit_cents = 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO ledger.account (id, asset, kind, guarded, floor, share_plan_id, backs_id, created_at)
    SELECT id, 'EUR', 'backing', true, 0, p_share_plan, ticket, p_recorded_at
      FROM unnest(p_backings, p_tickets) AS t(id, ticket) ORDER BY id;
    INSERT INTO ledger.balance (account_id, balance, held, floor)
    SELECT id, tickets * p_unit_cents, 0, 0
      FROM unnest(p_backings, p_counts) AS t(id, tickets) ORDER BY id;
    RETURN ledger.fund_grants(
        p_backings, ARRAY(SELECT tickets * p_unit_cents FROM unnest(p_counts) WITH ORDINALITY
                            AS t(tickets, n) ORDER BY n),
        p_share_plan, p_correlation, p_counts_at, p_recorded_at);
END $$;

-- Writing rows whose sense has been checked by the functions above them: not for the application to call.

-- Appends one linked set, all or none: the few rows of a purchase, one after the other. The balances of
-- the set are locked in the order of their ids first, where there can be more than one.
CREATE OR REPLACE FUNCTION ledger.append_few(
    p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_kinds text[],
    p_correlations uuid[], p_corrects uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[], p_hold uuid, p_alone boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_closed timestamptz := ledger.open_books();
    v_side record;
    i integer;
BEGIN
    IF cardinality(p_ids) > 1 THEN
        PERFORM 1 FROM ledger.balance WHERE account_id = ANY (p_debits || p_credits)
          ORDER BY account_id FOR UPDATE;
    END IF;
    FOR i IN 1 .. cardinality(p_ids) LOOP
        SELECT d.kind AS debit, c.kind AS credit, d.asset <> c.asset AS mixed,
               d.guarded AS paying, c.guarded AS receiving
          INTO v_side
          FROM ledger.account d, ledger.account c WHERE d.id = p_debits[i] AND c.id = p_credits[i];
        IF NOT FOUND THEN
            RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
        END IF;
        IF v_side.mixed THEN
            RAISE EXCEPTION 'two assets in one transfer' USING ERRCODE = 'SL003';
        END IF;
        IF NOT ledger.may_go(p_kinds[i], v_side.debit, v_side.credit)
           OR (p_alone AND NOT ledger.may_go_alone(p_kinds[i], v_side.debit, v_side.credit)) THEN
            RAISE EXCEPTION 'not a movement of its kind' USING ERRCODE = 'SL004';
        END IF;
        IF p_counts_at[i] < v_closed THEN
            RAISE EXCEPTION 'the books are closed there' USING ERRCODE = 'SL005';
        END IF;
        IF v_side.paying AND v_side.receiving AND cardinality(p_ids) = 1 THEN
            PERFORM 1 FROM ledger.balance WHERE account_id IN (p_debits[i], p_credits[i])
              ORDER BY account_id FOR UPDATE;
        END IF;
        IF v_side.paying THEN
            UPDATE ledger.balance SET balance = balance - p_amounts[i]
             WHERE account_id = p_debits[i] AND balance - held - p_amounts[i] >= floor;
            IF NOT FOUND THEN
                -- What a lapsed hold kept is spendable at once, whether or not a job has passed.
                PERFORM 1 FROM ledger.balance WHERE account_id = p_debits[i] FOR UPDATE;
                PERFORM ledger.free_lapsed(ARRAY[p_debits[i]], p_recorded_at);
                UPDATE ledger.balance SET balance = balance - p_amounts[i]
                 WHERE account_id = p_debits[i] AND balance - held - p_amounts[i] >= floor;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
                END IF;
            END IF;
        END IF;
        IF v_side.receiving THEN
            UPDATE ledger.balance SET balance = balance + p_amounts[i] WHERE account_id = p_credits[i];
        END IF;
        INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                     correlation_id, corrects_id, hold_id, happened_at, counts_at,
                                     recorded_at)
        VALUES (p_ids[i], p_debits[i], p_credits[i], p_amounts[i], p_kinds[i], p_correlations[i],
                p_corrects[i], p_hold, p_happened_at[i], p_counts_at[i], p_recorded_at);
    END LOOP;
END $$;

-- Gives an outcome for each of many linked sets ('posted', or the SQLSTATE of what stands against it)
-- and appends those that may be, in a few statements for as many rows as the arrays hold.
-- `p_set` numbers the sets from 1, in order. None of them takes anything back (see corrections).
CREATE OR REPLACE FUNCTION ledger.append_many(
    p_set integer[], p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[],
    p_kinds text[], p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_closed timestamptz := ledger.open_books();
    v_outcomes text[];
    v_guarded boolean[];
    v_receiving boolean[];
    v_short uuid[];
BEGIN
    -- What stands against each row whatever the balances are, and which sides are guarded.
    SELECT array_agg(CASE
               WHEN d.id IS NULL OR c.id IS NULL THEN 'SL002'
               WHEN d.asset <> c.asset THEN 'SL003'
               WHEN NOT ledger.may_go_alone(t.kind, d.kind, c.kind) THEN 'SL004'
               WHEN t.counts_at < v_closed THEN 'SL005' END ORDER BY t.n),
           array_agg(coalesce(d.guarded, false) ORDER BY t.n),
           array_agg(coalesce(c.guarded, false) ORDER BY t.n)
      INTO v_outcomes, v_guarded, v_receiving
      FROM unnest(p_debits, p_credits, p_kinds, p_counts_at) WITH ORDINALITY
        AS t(debit, credit, kind, counts_at, n)
      LEFT JOIN ledger.account d ON d.id = t.debit
      LEFT JOIN ledger.account c ON c.id = t.credit;

    -- The common case: nothing stands against any of them, and each account covers all that is asked
    -- of it. One pass locks and looks, one moves.
    WITH asked AS (
        SELECT account_id, sum(out)::bigint AS out FROM (
            SELECT debit AS account_id, amount AS out FROM unnest(p_debits, p_amounts) AS t(debit, amount)
            UNION ALL SELECT credit, 0 FROM unnest(p_credits) AS credit) legs
         GROUP BY account_id
    ), locked AS (
        SELECT b.account_id, b.balance - b.held - b.floor AS free, asked.out
          FROM ledger.balance b JOIN asked USING (account_id)
         ORDER BY b.account_id FOR UPDATE OF b
    )
    SELECT array_agg(account_id) INTO v_short FROM locked WHERE free < out;

    IF v_short IS NOT NULL THEN
        PERFORM ledger.free_lapsed(v_short, p_recorded_at);
        SELECT array_agg(b.account_id) INTO v_short
          FROM ledger.balance b
         WHERE b.account_id = ANY (v_short) AND b.balance - b.held - b.floor <
               (SELECT sum(amount) FROM unnest(p_debits, p_amounts) AS t(debit, amount)
                 WHERE debit = b.account_id);
    END IF;
    IF v_short IS NULL AND array_position(v_outcomes, 'SL002') IS NULL
       AND array_position(v_outcomes, 'SL003') IS NULL
       AND array_position(v_outcomes, 'SL004') IS NULL
       AND array_position(v_outcomes, 'SL005') IS NULL THEN
        UPDATE ledger.balance b SET balance = b.balance + net.delta
          FROM (SELECT account_id, sum(delta)::bigint AS delta FROM (
                    SELECT debit AS account_id, -amount AS delta
                      FROM unnest(p_debits, p_amounts, v_guarded) AS t(debit, amount, guarded)
                     WHERE guarded
                    UNION ALL
                    SELECT credit, amount
                      FROM unnest(p_credits, p_amounts, v_receiving) AS t(credit, amount, guarded)
                     WHERE guarded) legs
                 GROUP BY account_id) net
         WHERE b.account_id = net.account_id AND net.delta <> 0;
        INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                     correlation_id, happened_at, counts_at, recorded_at)
        SELECT id, debit, credit, amount, kind, correlation, happened_at, counts_at, p_recorded_at
          FROM unnest(p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations, p_happened_at,
                      p_counts_at)
            AS t(id, debit, credit, amount, kind, correlation, happened_at, counts_at);
        RETURN array_fill('posted'::text, ARRAY[p_set[cardinality(p_set)]]);
    END IF;

    -- Something stands against some: set after set, in order, as if each had come alone.
    v_outcomes := ledger.append_in_turn(p_set, p_debits, p_credits, p_amounts, v_outcomes,
                                        v_guarded, v_receiving);
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, happened_at, counts_at, recorded_at)
    SELECT id, debit, credit, amount, kind, correlation, happened_at, counts_at, p_recorded_at
      FROM unnest(p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations,
                  p_happened_at, p_counts_at)
        AS t(set, id, debit, credit, amount, kind, correlation, happened_at, counts_at)
     WHERE v_outcomes[set] = 'posted';
    RETURN v_outcomes;
END $$;

-- Moves the balances of the sets that may be posted, one after the other; gives each set's outcome.
-- The balances are locked by the caller.
CREATE OR REPLACE FUNCTION ledger.append_in_turn(
    p_set integer[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_against text[],
    p_guarded boolean[], p_receiving boolean[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_outcomes text[] := array_fill('posted'::text, ARRAY[p_set[cardinality(p_set)]]);
    v_from integer := 1;
    v_to integer;
    v_done integer;
    j integer;
BEGIN
    WHILE v_from <= cardinality(p_set) LOOP
        v_to := v_from;
        WHILE v_to < cardinality(p_set) AND p_set[v_to + 1] = p_set[v_from] LOOP
            v_to := v_to + 1;
        END LOOP;
        v_done := v_from - 1;
        FOR j IN v_from .. v_to LOOP
            IF p_against[j] IS NOT NULL THEN
                v_outcomes[p_set[j]] := p_against[j];
                EXIT;
            END IF;
            IF p_guarded[j] THEN
                UPDATE ledger.balance SET balance = balance - p_amounts[j]
                 WHERE account_id = p_debits[j] AND balance - held - p_amounts[j] >= floor;
                IF NOT FOUND THEN
                    v_outcomes[p_set[j]] := 'SL001';
                    EXIT;
                END IF;
            END IF;
            IF p_receiving[j] THEN
                UPDATE ledger.balance SET balance = balance + p_amounts[j]
                 WHERE account_id = p_credits[j];
            END IF;
            v_done := j;
        END LOOP;
        IF v_outcomes[p_set[v_from]] <> 'posted' THEN
            FOR j IN REVERSE v_done .. v_from LOOP
                IF p_receiving[j] THEN
                    UPDATE ledger.balance SET balance = balance - p_amounts[j]
                     WHERE account_id = p_credits[j];
                END IF;
                IF p_guarded[j] THEN
                    UPDATE ledger.balance SET balance = balance + p_amounts[j]
                     WHERE account_id = p_debits[j];
                END IF;
            END LOOP;
        END IF;
        v_from := v_to + 1;
    END LOOP;
    RETURN v_outcomes;
END $$;

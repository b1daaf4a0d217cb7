-- Tickets: counted in units, each backed by its face value in euros, set aside when it was granted. A
-- ticket and its backing only ever move together, so a Region never owes more than it set aside.

-- Uses tickets at a price (cents) that their face value covers: the tickets are used, the price goes to
-- the payable, and what they didn't cost back to the envelopes. Gives the ids of the transfers: tickets
-- first, then the price (none in kind), then what was released.
CREATE OR REPLACE FUNCTION ledger.capture_tickets(
    p_tickets uuid, p_count bigint, p_payable uuid, p_price bigint, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz, p_happened_at timestamptz
) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tickets ledger.account;
    v_backing ledger.account;
    v_contributed bigint;
    v_released bigint;
    v_envelopes uuid[];
    v_parts bigint[];
    v_ids uuid[];
    v_count integer;
BEGIN
    PERFORM ledger.open_books();
    IF p_count < 1 OR p_price < 0 THEN
        RAISE EXCEPTION 'no such amount' USING ERRCODE = 'SL014';
    END IF;
    SELECT * INTO v_tickets FROM ledger.account WHERE id = p_tickets AND unit_cents IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
    END IF;
    IF p_price > p_count * v_tickets.unit_cents THEN
        RAISE EXCEPTION 'above the face value' USING ERRCODE = 'SL012';
    END IF;
    SELECT * INTO v_backing FROM ledger.account WHERE backs_id = p_tickets;
    PERFORM 1 FROM ledger.balance WHERE account_id IN (p_tickets, v_backing.id)
      ORDER BY account_id FOR UPDATE;
    v_ids := ARRAY[platform.uuid7(p_recorded_at)];
    PERFORM ledger.append_few(
        v_ids, ARRAY[p_tickets], ARRAY[ledger.ticket_account(v_tickets.asset, 'used', p_recorded_at)],
        ARRAY[p_count], ARRAY['capture'], ARRAY[p_correlation], NULL, ARRAY[p_counts_at],
        p_recorded_at, ARRAY[p_happened_at], NULL);
    IF v_backing.id IS NULL THEN
        RETURN v_ids;
    END IF;
    v_contributed := ledger.contributed(v_backing.id);
    v_released := p_count * v_tickets.unit_cents - p_price;
    SELECT array_agg(envelope_id ORDER BY envelope_id), array_agg(-amount ORDER BY envelope_id),
           count(*)
      INTO v_envelopes, v_parts, v_count
      FROM ledger.parts_between(v_backing.share_plan_id, v_contributed, v_contributed - v_released);
    IF p_price > 0 THEN
        v_envelopes := p_payable || v_envelopes;
        v_parts := p_price || v_parts;
        v_count := v_count + 1;
    END IF;
    v_ids := v_ids || ARRAY(SELECT platform.uuid7(p_recorded_at) FROM generate_series(1, v_count));
    PERFORM ledger.append_few(
        v_ids[2:], array_fill(v_backing.id, ARRAY[v_count]), v_envelopes, v_parts,
        CASE WHEN p_price > 0
             THEN 'capture'::text || array_fill('release'::text, ARRAY[v_count - 1])
             ELSE array_fill('release'::text, ARRAY[v_count]) END,
        array_fill(p_correlation, ARRAY[v_count]), NULL, array_fill(p_counts_at, ARRAY[v_count]),
        p_recorded_at, array_fill(p_happened_at, ARRAY[v_count]), NULL);
    RETURN v_ids;
END $$;

-- Gives back tickets of a capture, whose transfers are `p_captured` as capture_tickets gave them: the
-- tickets return to their account, and their whole face value to the backing: `p_price` of it from the
-- payable, the rest from the envelopes that had received it. Where the season is over (`p_to_funders`),
-- the tickets stay used and the price goes to the envelopes.
CREATE OR REPLACE FUNCTION ledger.refund_tickets(
    p_captured uuid[], p_count bigint, p_price bigint, p_kind text, p_correlation uuid,
    p_to_funders boolean, p_counts_at timestamptz, p_recorded_at timestamptz,
    p_happened_at timestamptz
) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_used ledger.transfer;
    v_paid ledger.transfer;
    v_tickets ledger.account;
    v_backing ledger.account;
    v_released ledger.transfer;
    v_contributed bigint;
    v_rest bigint;
    v_ids uuid[] := ARRAY[]::uuid[];
    v_id uuid;
    v_part record;
BEGIN
    PERFORM ledger.open_books();
    IF p_count < 1 OR p_price < 0 THEN
        RAISE EXCEPTION 'no such amount' USING ERRCODE = 'SL014';
    END IF;
    SELECT * INTO v_used FROM ledger.transfer WHERE id = p_captured[1];
    SELECT * INTO v_tickets FROM ledger.account
     WHERE id = v_used.debit_account_id AND unit_cents IS NOT NULL;
    IF NOT FOUND OR v_used.kind <> 'capture' OR p_kind NOT IN ('refund', 'cancellation') THEN
        RAISE EXCEPTION 'no tickets that can be given back so' USING ERRCODE = 'SL011';
    END IF;
    SELECT * INTO v_backing FROM ledger.account WHERE backs_id = v_tickets.id;
    SELECT t.* INTO v_paid FROM ledger.transfer t
     WHERE t.id = ANY (p_captured) AND t.kind = 'capture' AND t.debit_account_id = v_backing.id
       AND t.correlation_id = v_used.correlation_id;
    IF p_price > p_count * v_tickets.unit_cents THEN
        RAISE EXCEPTION 'above the face value' USING ERRCODE = 'SL012';
    END IF;
    IF p_price > 0 AND v_paid.id IS NULL THEN
        RAISE EXCEPTION 'nothing was paid' USING ERRCODE = 'SL010';
    END IF;
    IF p_to_funders AND p_price = 0 THEN
        RAISE EXCEPTION 'nothing to give to the funders' USING ERRCODE = 'SL011';
    END IF;
    PERFORM 1 FROM ledger.balance WHERE account_id IN (v_tickets.id, v_backing.id)
      ORDER BY account_id FOR UPDATE;
    PERFORM ledger.count_corrected(v_used.id, v_used.amount, p_count);
    IF p_to_funders THEN
        v_id := platform.uuid7(p_recorded_at);
        PERFORM ledger.give_to_funders(v_backing, v_paid, p_price, p_kind, v_id, p_correlation,
                                       p_counts_at, p_recorded_at, p_happened_at);
        RETURN ARRAY[v_id];
    END IF;
    v_ids := ARRAY[platform.uuid7(p_recorded_at)];
    PERFORM ledger.append_few(
        v_ids, ARRAY[v_used.credit_account_id], ARRAY[v_tickets.id], ARRAY[p_count], ARRAY[p_kind],
        ARRAY[p_correlation], ARRAY[v_used.id], ARRAY[p_counts_at], p_recorded_at,
        ARRAY[p_happened_at], NULL);
    IF v_backing.id IS NULL THEN
        RETURN v_ids;
    END IF;
    v_contributed := ledger.contributed(v_backing.id);
    IF p_price > 0 THEN
        v_id := platform.uuid7(p_recorded_at);
        PERFORM ledger.count_corrected(v_paid.id, v_paid.amount, p_price);
        PERFORM ledger.append_few(
            ARRAY[v_id], ARRAY[v_paid.credit_account_id], ARRAY[v_backing.id], ARRAY[p_price],
            ARRAY[p_kind], ARRAY[p_correlation], ARRAY[v_paid.id], ARRAY[p_counts_at],
            p_recorded_at, ARRAY[p_happened_at], NULL);
        v_ids := v_ids || v_id;
    END IF;
    -- The envelopes give again what they had received of these tickets, and no more.
    v_rest := p_count * v_tickets.unit_cents - p_price;
    IF v_rest > (
        SELECT coalesce(sum(amount), 0) FROM ledger.transfer
         WHERE id = ANY (p_captured) AND kind = 'release' AND debit_account_id = v_backing.id
    ) - (
        SELECT coalesce(sum(t.amount), 0) FROM ledger.transfer t
          JOIN ledger.account e ON e.id = t.debit_account_id AND e.kind = 'envelope'
         WHERE t.credit_account_id = v_backing.id AND t.corrects_id = ANY (p_captured)
    ) THEN
        RAISE EXCEPTION 'more than was released' USING ERRCODE = 'SL010';
    END IF;
    FOR v_part IN
        SELECT envelope_id, amount
          FROM ledger.parts_between(v_backing.share_plan_id, v_contributed, v_contributed + v_rest)
         ORDER BY envelope_id
    LOOP
        SELECT t.* INTO v_released FROM ledger.transfer t
         WHERE t.id = ANY (p_captured) AND t.kind = 'release'
           AND t.credit_account_id = v_part.envelope_id;
        v_id := platform.uuid7(p_recorded_at);
        PERFORM ledger.append_few(
            ARRAY[v_id], ARRAY[v_part.envelope_id], ARRAY[v_backing.id], ARRAY[v_part.amount],
            ARRAY[p_kind], ARRAY[p_correlation], ARRAY[coalesce(v_released.id, v_used.id)],
            ARRAY[p_counts_at], p_recorded_at, ARRAY[p_happened_at], NULL);
        v_ids := v_ids || v_id;
    END LOOP;
    RETURN v_ids;
END $$;

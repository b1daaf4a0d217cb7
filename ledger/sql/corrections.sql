-- Taking back: every correction is a new transfer that names what it corrects, and never takes back more
-- than was moved.

-- Gives back a part of a capture. To the entitlement it came from; or, where its season is over
-- (`p_to_funders`), to the envelopes, in the shares that were frozen on it. Not for tickets.
CREATE OR REPLACE FUNCTION ledger.give_back(
    p_capture uuid, p_amount bigint, p_kind text, p_refund uuid, p_correlation uuid,
    p_to_funders boolean, p_counts_at timestamptz, p_recorded_at timestamptz,
    p_happened_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_capture ledger.transfer;
    v_from ledger.account;
BEGIN
    PERFORM ledger.open_books();
    SELECT * INTO v_capture FROM ledger.transfer WHERE id = p_capture;
    SELECT * INTO v_from FROM ledger.account WHERE id = v_capture.debit_account_id;
    IF v_capture.kind IS DISTINCT FROM 'capture' OR v_from.kind <> 'entitlement'
       OR v_from.asset <> 'EUR' OR p_kind NOT IN ('refund', 'cancellation') THEN
        RAISE EXCEPTION 'no capture that can be given back so' USING ERRCODE = 'SL011';
    END IF;
    PERFORM 1 FROM ledger.balance WHERE account_id = v_from.id FOR UPDATE;
    IF p_to_funders THEN
        PERFORM ledger.give_to_funders(v_from, v_capture, p_amount, p_kind, p_refund, p_correlation,
                                       p_counts_at, p_recorded_at, p_happened_at);
        RETURN;
    END IF;
    PERFORM ledger.count_corrected(p_capture, v_capture.amount, p_amount);
    PERFORM ledger.append_few(
        ARRAY[p_refund], ARRAY[v_capture.credit_account_id], ARRAY[v_from.id], ARRAY[p_amount],
        ARRAY[p_kind], ARRAY[p_correlation], ARRAY[p_capture], ARRAY[p_counts_at], p_recorded_at,
        ARRAY[p_happened_at], NULL);
END $$;

-- From the payable to the envelopes behind `p_from`, an entitlement or a backing, whose balance is
-- locked. The first transfer has the caller's id.
CREATE OR REPLACE FUNCTION ledger.give_to_funders(
    p_from ledger.account, p_capture ledger.transfer, p_amount bigint, p_kind text, p_refund uuid,
    p_correlation uuid, p_counts_at timestamptz, p_recorded_at timestamptz,
    p_happened_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_contributed bigint := ledger.contributed(p_from.id);
    v_envelopes uuid[];
    v_parts bigint[];
    v_count integer;
BEGIN
    PERFORM ledger.count_corrected(p_capture.id, p_capture.amount, p_amount);
    SELECT array_agg(envelope_id ORDER BY envelope_id), array_agg(-amount ORDER BY envelope_id),
           count(*)
      INTO v_envelopes, v_parts, v_count
      FROM ledger.parts_between(p_from.share_plan_id, v_contributed, v_contributed - p_amount);
    PERFORM ledger.append_few(
        p_refund || ARRAY(SELECT platform.uuid7(p_recorded_at) FROM generate_series(2, v_count)),
        array_fill(p_capture.credit_account_id, ARRAY[v_count]), v_envelopes, v_parts,
        array_fill(p_kind, ARRAY[v_count]), array_fill(p_correlation, ARRAY[v_count]),
        array_fill(p_capture.id, ARRAY[v_count]), array_fill(p_counts_at, ARRAY[v_count]),
        p_recorded_at, array_fill(p_happened_at, ARRAY[v_count]), NULL);
END $$;

-- Takes back a part of a transfer that moved money outside entitlements, the way it came: a funding
-- ('correction'), or a payment that the bank rejected or returned ('return', to the payable `p_credit`).
CREATE OR REPLACE FUNCTION ledger.take_back(
    p_transfer uuid, p_amount bigint, p_kind text, p_id uuid, p_credit uuid, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz, p_happened_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_moved ledger.transfer;
    v_back uuid;
BEGIN
    PERFORM ledger.open_books();
    SELECT * INTO v_moved FROM ledger.transfer WHERE id = p_transfer;
    IF (v_moved.kind = 'fund' AND p_kind = 'correction')
       OR (v_moved.kind = 'remit' AND p_kind = 'return') THEN
        v_back := v_moved.debit_account_id;
    ELSIF v_moved.kind = 'settle' AND p_kind = 'return' THEN
        v_back := p_credit;
    ELSE
        RAISE EXCEPTION 'nothing that can be taken back so' USING ERRCODE = 'SL011';
    END IF;
    PERFORM 1 FROM ledger.balance WHERE account_id IN (v_moved.credit_account_id, v_back)
      ORDER BY account_id FOR UPDATE;
    PERFORM ledger.count_corrected(p_transfer, v_moved.amount, p_amount);
    PERFORM ledger.append_few(
        ARRAY[p_id], ARRAY[v_moved.credit_account_id], ARRAY[v_back], ARRAY[p_amount],
        ARRAY[p_kind], ARRAY[p_correlation], ARRAY[p_transfer], ARRAY[p_counts_at], p_recorded_at,
        ARRAY[p_happened_at], NULL);
END $$;

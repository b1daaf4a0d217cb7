-- Opening accounts and freezing shares. See ledger/accounts.py for what each value means.

CREATE OR REPLACE FUNCTION ledger.open_account(
    p_id uuid, p_asset text, p_kind text, p_guarded boolean, p_floor bigint, p_backs uuid,
    p_unit_cents bigint, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.account (id, asset, kind, guarded, floor, backs_id, unit_cents, created_at)
    VALUES (p_id, p_asset, p_kind, p_guarded, p_floor, p_backs, p_unit_cents, p_at);
    IF p_guarded THEN
        INSERT INTO ledger.balance (account_id, balance, held, floor) VALUES (p_id, 0, 0, p_floor);
    END IF;
END $$;

-- The account that tickets of an asset come from ('issued') or go to ('used'); opened on first use.
CREATE OR REPLACE FUNCTION ledger.ticket_account(p_asset text, p_kind text, p_at timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
BEGIN
    SELECT id INTO v_id FROM ledger.account WHERE asset = p_asset AND kind = p_kind;
    IF v_id IS NULL THEN
        INSERT INTO ledger.account (id, asset, kind, guarded, floor, created_at)
        VALUES (platform.uuid7(p_at), p_asset, p_kind, false, 0, p_at)
        ON CONFLICT (asset, kind) WHERE kind IN ('issued', 'used') DO NOTHING;
        SELECT id INTO v_id FROM ledger.account WHERE asset = p_asset AND kind = p_kind;
    END IF;
    RETURN v_id;
END $$;

-- A frozen set of funders' shares; positions follow the arrays' order.
CREATE OR REPLACE FUNCTION ledger.create_share_plan(
    p_id uuid, p_envelopes uuid[], p_weights bigint[], p_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(cardinality(p_envelopes), 0) = 0 OR cardinality(p_envelopes) <> cardinality(p_weights)
       OR (SELECT count(*) FROM ledger.account WHERE id = ANY (p_envelopes) AND kind = 'envelope')
          <> cardinality(p_envelopes) THEN
        RAISE EXCEPTION 'not a plan of envelopes' USING ERRCODE = 'SL002';
    END IF;
    INSERT INTO ledger.share_plan (id, created_at) VALUES (p_id, p_at);
    INSERT INTO ledger.share (share_plan_id, position, envelope_id, weight)
    SELECT p_id, position, envelope, weight
      FROM unnest(p_envelopes, p_weights) WITH ORDINALITY AS t(envelope, weight, position);
END $$;

-- What each funder bears of an amount, exact to the cent. The first bears its rounded share of the
-- whole; what is left is shared among the others in the same way. So no part ever shrinks while the
-- amount grows: whatever the order of grants, refunds and expiries, each funder has contributed
-- parts(what is contributed now), and a cent never drifts.
CREATE OR REPLACE FUNCTION ledger.parts(p_share_plan uuid, p_amount bigint)
RETURNS TABLE (envelope_id uuid, amount bigint) LANGUAGE plpgsql STABLE ROWS 3 AS $$
DECLARE
    v_left bigint := p_amount;
    v_whole bigint;
    v_weight bigint;
BEGIN
    SELECT sum(weight) INTO v_whole FROM ledger.share WHERE share_plan_id = p_share_plan;
    FOR envelope_id, v_weight IN
        SELECT s.envelope_id, s.weight FROM ledger.share s
         WHERE s.share_plan_id = p_share_plan ORDER BY s.position
    LOOP
        amount := div(2 * v_left::numeric * v_weight + v_whole, 2 * v_whole);
        v_left := v_left - amount;
        v_whole := v_whole - v_weight;
        RETURN NEXT;
    END LOOP;
END $$;

-- What envelopes have put into an entitlement or its backing, less what went back to them: what it
-- holds, and what was captured from it and not given back.
CREATE OR REPLACE FUNCTION ledger.contributed(p_account uuid) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT (SELECT balance FROM ledger.balance WHERE account_id = p_account)
         + coalesce((SELECT sum(t.amount - coalesce(c.corrected, 0))
                       FROM ledger.transfer t LEFT JOIN ledger.corrected c ON c.transfer_id = t.id
                      WHERE t.debit_account_id = p_account AND t.kind = 'capture'), 0)::bigint
$$;

-- What each funder's contribution changes by when what is contributed goes from one amount to another.
CREATE OR REPLACE FUNCTION ledger.parts_between(p_share_plan uuid, p_from bigint, p_to bigint)
RETURNS TABLE (envelope_id uuid, amount bigint) LANGUAGE sql STABLE ROWS 3 AS $$
    SELECT later.envelope_id, later.amount - earlier.amount
      FROM ledger.parts(p_share_plan, p_to) later
      JOIN ledger.parts(p_share_plan, p_from) earlier USING (envelope_id)
     WHERE later.amount <> earlier.amount
$$;

-- The two statements of a purchase: what it needs to know, and what it writes. Both plan what they
-- and the functions below them run once a connection: planned anew for each purchase's arrays, the
-- same look-ups by key took half as long again.

-- Everything that a decision looks at, from each room's own function, in one round trip.
CREATE OR REPLACE FUNCTION merchants.purchase_state(
    p_terminal uuid, p_scope text, p_key text, p_token_id bytea, p_proof_nonce bytea,
    p_at timestamptz, p_day text
) RETURNS jsonb LANGUAGE sql STABLE SET plan_cache_mode = force_generic_plan AS $$
    SELECT jsonb_build_object(
        'kept', ledger.find_outcome(p_scope, p_key),
        'terminal', merchants.terminal_state(p_terminal, p_at),
        'card', cardsvc.spending_state(p_token_id, p_at, p_day),
        'proof_used', EXISTS (
            SELECT 1 FROM merchants.decision
             WHERE token_id = p_token_id AND proof_nonce = p_proof_nonce AND outcome <> 'refused'))
$$;

-- Writes one decision and, where it is approved, the money: all of it or none.
-- Returns NULL, or what is kept under the key when it was used before. Raises SE002 (a cap), SE004 (the
-- card) or SL001 (a balance) when the state has moved since it was read, 23505 on uq_decision_proof for a
-- replay.
CREATE OR REPLACE FUNCTION merchants.record_purchase(
    p_scope text, p_key text, p_content_hash bytea, p_answer jsonb, p_decision jsonb,
    p_beneficiary uuid, p_cap_uses jsonb,
    p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_at timestamptz
) RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_kept jsonb;
    v_count integer := cardinality(p_ids);
BEGIN
    -- The holder's row before the key: a retry in its locked turn holds the row and waits for the key.
    IF v_count > 0 THEN
        PERFORM cardsvc.lock_beneficiary(p_beneficiary);
    END IF;
    v_kept := ledger.claim_key(p_scope, p_key, p_content_hash, p_answer, p_at);
    IF v_kept IS NOT NULL THEN
        RETURN v_kept;
    END IF;
    IF v_count > 0 THEN
        IF NOT cardsvc.may_pay((p_decision ->> 'token_id')::bytea) THEN
            RAISE EXCEPTION 'the card was stopped meanwhile' USING ERRCODE = 'SE004';
        END IF;
        IF p_cap_uses IS NOT NULL THEN
            PERFORM cardsvc.use_caps(p_beneficiary, p_cap_uses);
        END IF;
        PERFORM ledger.post_transfers(
            p_ids, p_debits, p_credits, p_amounts, array_fill('capture'::text, ARRAY[v_count]),
            array_fill((p_decision ->> 'id')::uuid, ARRAY[v_count]),
            array_fill(NULL::uuid, ARRAY[v_count]), array_fill(p_at, ARRAY[v_count]), p_at);
    END IF;
    INSERT INTO merchants.decision
    SELECT * FROM jsonb_populate_record(NULL::merchants.decision, p_decision);
    RETURN NULL;
END $$;

-- The two statements of a batch of purchases: what they need to know, and what they write. Both plan what
-- they and the functions below them run once a connection: planned anew for each batch's arrays, the
-- same look-ups by key took half as long again. By key always: a plan made while a table was still empty
-- would read it whole, and go on doing so while it grows.

DROP FUNCTION IF EXISTS merchants.purchase_state(uuid, text, text, bytea, bytea, timestamptz, text);
DROP FUNCTION IF EXISTS merchants.record_purchase(
    text, text, bytea, jsonb, jsonb, uuid, jsonb, uuid[], uuid[], uuid[], bigint[], timestamptz);

-- Whether this proof has paid before. One look by its key: in a larger query, EXISTS may be answered out
-- of a hash of every decision there ever was.
CREATE OR REPLACE FUNCTION merchants.proof_used(p_token_id bytea, p_proof_nonce bytea)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM 1 FROM merchants.decision
      WHERE token_id = p_token_id AND proof_nonce = p_proof_nonce AND outcome <> 'refused';
    RETURN FOUND;
END $$;

-- Everything that decisions look at, from each room's own function, in one round trip: for each item
-- {"terminal": …, "card": …, "proof_used": …}, in the order of the arrays.
CREATE OR REPLACE FUNCTION merchants.purchase_states(
    p_terminals uuid[], p_token_ids bytea[], p_proof_nonces bytea[], p_at timestamptz, p_days text[]
) RETURNS jsonb LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
                   'terminal', t.terminal,
                   'card', c.card,
                   'proof_used', merchants.proof_used(asked.token_id, asked.proof_nonce))
                 ORDER BY asked.n)
          FROM unnest(p_terminals, p_token_ids, p_proof_nonces) WITH ORDINALITY
            AS asked(terminal_id, token_id, proof_nonce, n)
          LEFT JOIN merchants.terminal_states(p_terminals, p_at) t USING (terminal_id)
          LEFT JOIN cardsvc.spending_states(p_token_ids, p_at, p_days) c USING (token_id));
END $$;

-- Writes decisions and, where they are approved, the money: each with all of its own, or none of it. One
-- that can't be written holds up no other. Gives for each item null where it is written, else
--   {"kept": …}     what its key was used for before
--   {"moved": true} the state has moved since it was read: the card, a cap, the proof or a balance
--   {"held": true}  somebody else holds the beneficiary's row right now
-- p_decisions: rows of merchants.decision, in order; the columns from p_scopes to p_answers go with them,
-- those of cap uses and of transfers name theirs by its place, from 1. No two items have one key. p_at:
-- when it is recorded.
-- Lock order: the beneficiaries' rows, keys, then balances. Raises what the ledger says against a
-- transfer, and then nothing of any item is written: ask for each alone.
CREATE OR REPLACE FUNCTION merchants.record_purchases(
    p_decisions jsonb, p_scopes text[], p_keys text[], p_hashes bytea[], p_answers jsonb,
    p_use_of integer[], p_use_periods text[], p_use_keys text[], p_use_amounts bigint[],
    p_use_limits bigint[],
    p_transfer_of integer[], p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[],
    p_at timestamptz
) RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_decisions merchants.decision[];
    v_outcomes jsonb[];
    v_open integer[];
    v_kept jsonb[];
    v_posted text[];
    v_against text;
    i integer;
BEGIN
    SELECT array_agg(d ORDER BY e.n) INTO v_decisions
      FROM jsonb_array_elements(p_decisions) WITH ORDINALITY AS e(decision, n),
           jsonb_populate_record(NULL::merchants.decision, e.decision) AS d;
    v_outcomes := merchants.what_stands_against(
        v_decisions, p_use_of, p_use_periods, p_use_keys, p_use_amounts, p_use_limits,
        p_transfer_of, p_debits, p_amounts, p_at);

    v_open := ARRAY(SELECT n FROM unnest(v_outcomes) WITH ORDINALITY AS t(outcome, n)
                     WHERE outcome IS NULL ORDER BY n);
    IF cardinality(v_open) = 0 THEN
        RETURN to_jsonb(v_outcomes);
    END IF;
    SELECT ledger.claim_keys(array_agg(p_scopes[n] ORDER BY n), array_agg(p_keys[n] ORDER BY n),
                             array_agg(p_hashes[n] ORDER BY n),
                             array_agg(p_answers -> n - 1 ORDER BY n), p_at)
      INTO v_kept FROM unnest(v_open) AS n;
    FOR i IN 1 .. cardinality(v_open) LOOP
        IF v_kept[i] IS NOT NULL THEN
            v_outcomes[v_open[i]] := jsonb_build_object('kept', v_kept[i]);
        END IF;
    END LOOP;

    PERFORM cardsvc.count_uses(array_agg((v_decisions[n]).beneficiary_id), array_agg(period),
                               array_agg(cap_key), array_agg(amount), array_agg(most))
       FROM unnest(p_use_of, p_use_periods, p_use_keys, p_use_amounts, p_use_limits)
         AS t(n, period, cap_key, amount, most)
      WHERE v_outcomes[n] IS NULL HAVING count(*) > 0;
    SELECT ledger.post_sets(array_agg(n ORDER BY place), array_agg(id ORDER BY place),
                            array_agg(debit ORDER BY place), array_agg(credit ORDER BY place),
                            array_agg(amount ORDER BY place), array_agg('capture'::text),
                            array_agg((v_decisions[n]).id ORDER BY place),
                            array_agg((v_decisions[n]).at ORDER BY place), p_at)
      INTO v_posted
      FROM unnest(p_transfer_of, p_ids, p_debits, p_credits, p_amounts) WITH ORDINALITY
        AS t(n, id, debit, credit, amount, place)
     WHERE v_outcomes[n] IS NULL HAVING count(*) > 0;
    SELECT max(state) INTO v_against FROM unnest(v_posted) AS state WHERE state <> 'posted';
    IF v_against IS NOT NULL THEN
        RAISE EXCEPTION 'the ledger refuses: %', v_against USING ERRCODE = v_against;
    END IF;
    INSERT INTO merchants.decision
    SELECT * FROM unnest(ARRAY(SELECT v_decisions[n] FROM unnest(v_open) AS n
                                WHERE v_outcomes[n] IS NULL));
    RETURN to_jsonb(v_outcomes);
END $$;

-- Takes the rows of those who would pay and says for each decision what stands against writing it, null
-- for nothing. What it looked at stays as it is until the end of the transaction: nobody spends, or stops
-- a card, without the beneficiary's row. Two decisions that would pay from one beneficiary: the second
-- counts as held.
CREATE OR REPLACE FUNCTION merchants.what_stands_against(
    p_decisions merchants.decision[],
    p_use_of integer[], p_use_periods text[], p_use_keys text[], p_use_amounts bigint[],
    p_use_limits bigint[],
    p_transfer_of integer[], p_debits uuid[], p_amounts bigint[], p_at timestamptz
) RETURNS jsonb[] LANGUAGE plpgsql AS $$
DECLARE
    v_payers uuid[] := ARRAY(SELECT beneficiary_id FROM unnest(p_decisions) WHERE approved_cents > 0);
    v_locked uuid[];
    v_active bytea[];
    v_capped uuid[];
    v_free jsonb;
BEGIN
    IF cardinality(v_payers) = 0 THEN
        RETURN array_fill(NULL::jsonb, ARRAY[cardinality(p_decisions)]);
    END IF;
    v_locked := cardsvc.lock_free_beneficiaries(v_payers);
    v_active := cardsvc.may_pay(ARRAY(SELECT token_id FROM unnest(p_decisions)));
    v_capped := cardsvc.caps_passed(
        ARRAY(SELECT (p_decisions[n]).beneficiary_id FROM unnest(p_use_of) AS n),
        p_use_periods, p_use_keys, p_use_amounts, p_use_limits);
    v_free := ledger.balance_of(p_debits, p_at);
    RETURN ARRAY(
        SELECT CASE
                   WHEN d.approved_cents = 0 THEN NULL
                   WHEN d.beneficiary_id <> ALL (v_locked)
                        OR row_number() OVER (PARTITION BY d.beneficiary_id, d.approved_cents > 0
                                              ORDER BY d.ordinality) > 1
                   THEN '{"held": true}'::jsonb
                   WHEN d.token_id <> ALL (v_active) OR d.beneficiary_id = ANY (v_capped)
                        OR merchants.proof_used(d.token_id, d.proof_nonce)
                        OR EXISTS (SELECT 1 FROM unnest(p_transfer_of, p_debits, p_amounts)
                                     AS t(n, debit, amount)
                                    WHERE t.n = d.ordinality
                                      AND t.amount > (v_free ->> t.debit::text)::bigint)
                   THEN '{"moved": true}' END
          FROM unnest(p_decisions) WITH ORDINALITY AS d
         ORDER BY d.ordinality);
END $$;

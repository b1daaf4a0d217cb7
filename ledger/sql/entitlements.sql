-- An entitlement's end and its return: what is left goes back to the envelopes in the shares frozen on
-- it, and can come from them again. Backings follow their tickets.

-- Takes `p_amounts` out of entitlements (each its own, available and locked) and back to the envelopes.
CREATE OR REPLACE FUNCTION ledger.return_to_funders(
    p_accounts uuid[], p_amounts bigint[], p_kind text, p_corrects uuid, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_accounts uuid[];
    v_envelopes uuid[];
    v_parts bigint[];
BEGIN
    SELECT array_agg(t.id), array_agg(p.envelope_id), array_agg(-p.amount)
      INTO v_accounts, v_envelopes, v_parts
      FROM unnest(p_accounts, p_amounts) AS t(id, amount)
      JOIN ledger.account a ON a.id = t.id
     CROSS JOIN LATERAL (SELECT ledger.contributed(t.id) AS now) c
     CROSS JOIN LATERAL ledger.parts_between(a.share_plan_id, c.now, c.now - t.amount) p;
    PERFORM 1 FROM ledger.balance WHERE account_id = ANY (v_envelopes) ORDER BY account_id FOR UPDATE;
    UPDATE ledger.balance b SET balance = b.balance - t.amount
      FROM unnest(p_accounts, p_amounts) AS t(id, amount) WHERE b.account_id = t.id;
    UPDATE ledger.balance b SET balance = b.balance + t.amount
      FROM (SELECT envelope, sum(part)::bigint AS amount
              FROM unnest(v_envelopes, v_parts) AS p(envelope, part) GROUP BY envelope) t
     WHERE b.account_id = t.envelope;
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, corrects_id, counts_at, recorded_at)
    SELECT platform.uuid7(p_recorded_at), account, envelope, part, p_kind, p_correlation, p_corrects,
           p_counts_at, p_recorded_at
      FROM unnest(v_accounts, v_envelopes, v_parts) AS t(account, envelope, part);
END $$;

-- Takes tickets out of their accounts and back to where they were issued, each with its own count.
CREATE OR REPLACE FUNCTION ledger.return_tickets(
    p_tickets uuid[], p_counts bigint[], p_kind text, p_corrects uuid, p_correlation uuid,
    p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger.balance b SET balance = b.balance - t.tickets
      FROM unnest(p_tickets, p_counts) AS t(id, tickets) WHERE b.account_id = t.id;
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, corrects_id, counts_at, recorded_at)
    SELECT platform.uuid7(p_recorded_at), t.id, i.id, t.tickets, p_kind, p_correlation, p_corrects,
           p_counts_at, p_recorded_at
      FROM unnest(p_tickets, p_counts) AS t(id, tickets)
      JOIN ledger.account a ON a.id = t.id
      JOIN ledger.account i ON i.asset = a.asset AND i.kind = 'issued';
END $$;

-- Ends entitlements: whatever is left of each and isn't held goes back. Gives how much in all, in cents
-- (of tickets, their backing). Held amounts stay until their hold ends; expire again then.
CREATE OR REPLACE FUNCTION ledger.expire(
    p_accounts uuid[], p_correlation uuid, p_counts_at timestamptz, p_recorded_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_backings uuid[];
    v_euros uuid[];
    v_cents bigint[];
    v_tickets uuid[];
    v_counts bigint[];
BEGIN
    PERFORM ledger.check_open(p_counts_at);
    IF (SELECT count(*) FROM ledger.account WHERE id = ANY (p_accounts) AND kind = 'entitlement')
       <> (SELECT count(DISTINCT id) FROM unnest(p_accounts) AS id) THEN
        RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
    END IF;
    SELECT array_agg(id) INTO v_backings FROM ledger.account WHERE backs_id = ANY (p_accounts);
    PERFORM 1 FROM ledger.balance WHERE account_id = ANY (p_accounts || v_backings)
      ORDER BY account_id FOR UPDATE;
    PERFORM ledger.free_lapsed(p_accounts, p_recorded_at);
    SELECT array_agg(b.account_id) FILTER (WHERE a.asset = 'EUR'),
           array_agg(b.balance - b.held) FILTER (WHERE a.asset = 'EUR'),
           array_agg(b.account_id) FILTER (WHERE a.asset <> 'EUR'),
           array_agg(b.balance - b.held) FILTER (WHERE a.asset <> 'EUR')
      INTO v_euros, v_cents, v_tickets, v_counts
      FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id
     WHERE b.account_id = ANY (p_accounts || v_backings) AND b.balance > b.held;
    IF v_tickets IS NOT NULL THEN
        PERFORM ledger.return_tickets(v_tickets, v_counts, 'expiry', NULL, p_correlation,
                                      p_counts_at, p_recorded_at);
    END IF;
    IF v_euros IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM ledger.return_to_funders(v_euros, v_cents, 'expiry', NULL, p_correlation, p_counts_at,
                                     p_recorded_at);
    RETURN (SELECT sum(cents) FROM unnest(v_cents) AS cents);
END $$;

-- Takes back a part of what was granted and not spent; the transfers name the grant.
CREATE OR REPLACE FUNCTION ledger.withdraw(
    p_account uuid, p_amount bigint, p_correlation uuid, p_counts_at timestamptz,
    p_recorded_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_account ledger.account;
    v_backing uuid;
    v_grant uuid;
BEGIN
    PERFORM ledger.check_open(p_counts_at);
    SELECT * INTO v_account FROM ledger.account WHERE id = p_account AND kind = 'entitlement';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
    END IF;
    SELECT id INTO v_backing FROM ledger.account WHERE backs_id = p_account;
    PERFORM 1 FROM ledger.balance WHERE account_id IN (p_account, v_backing)
      ORDER BY account_id FOR UPDATE;
    PERFORM ledger.free_lapsed(ARRAY[p_account], p_recorded_at);
    IF (SELECT balance - held FROM ledger.balance WHERE account_id = p_account) < p_amount THEN
        RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
    END IF;
    v_grant := ledger.grant_of(p_account);
    IF v_account.asset = 'EUR' THEN
        PERFORM ledger.return_to_funders(ARRAY[p_account], ARRAY[p_amount], 'withdrawal', v_grant,
                                         p_correlation, p_counts_at, p_recorded_at);
        RETURN;
    END IF;
    PERFORM ledger.return_tickets(ARRAY[p_account], ARRAY[p_amount], 'withdrawal', v_grant,
                                  p_correlation, p_counts_at, p_recorded_at);
    IF v_backing IS NOT NULL THEN
        PERFORM ledger.return_to_funders(
            ARRAY[v_backing], ARRAY[p_amount * v_account.unit_cents], 'withdrawal',
            ledger.grant_of(v_backing), p_correlation, p_counts_at, p_recorded_at);
    END IF;
END $$;

-- The transfer that first funded an account.
CREATE OR REPLACE FUNCTION ledger.grant_of(p_account uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM ledger.transfer
     WHERE credit_account_id = p_account AND kind = 'grant' ORDER BY id LIMIT 1
$$;

-- What expired from an account and hasn't come back, in its own units. Under its balance's lock.
CREATE OR REPLACE FUNCTION ledger.expired(p_account uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT sum(amount) FROM ledger.transfer
                      WHERE debit_account_id = p_account AND kind = 'expiry'), 0)::bigint
         - coalesce((SELECT sum(amount) FROM ledger.transfer
                      WHERE credit_account_id = p_account AND kind = 'regrant'), 0)::bigint
$$;

-- Gives back to an entitlement a part of what expired from it, from the envelopes that received it;
-- tickets come back with their backing. SL010 above what expired, SL001 where an envelope has spent it.
CREATE OR REPLACE FUNCTION ledger.regrant(
    p_account uuid, p_amount bigint, p_correlation uuid, p_counts_at timestamptz,
    p_recorded_at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_account ledger.account;
    v_backing ledger.account;
    v_expiry uuid;
BEGIN
    PERFORM ledger.check_open(p_counts_at);
    SELECT * INTO v_account FROM ledger.account WHERE id = p_account AND kind = 'entitlement';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown account' USING ERRCODE = 'SL002';
    END IF;
    SELECT * INTO v_backing FROM ledger.account WHERE backs_id = p_account;
    PERFORM 1 FROM ledger.balance WHERE account_id IN (p_account, v_backing.id)
      ORDER BY account_id FOR UPDATE;
    IF ledger.expired(p_account) = 0 THEN
        RAISE EXCEPTION 'nothing expired' USING ERRCODE = 'SL011';
    END IF;
    IF ledger.expired(p_account) < p_amount THEN
        RAISE EXCEPTION 'more than expired' USING ERRCODE = 'SL010';
    END IF;
    IF v_account.asset = 'EUR' THEN
        PERFORM ledger.fund_again(v_account, p_amount, p_correlation, p_counts_at, p_recorded_at);
        RETURN;
    END IF;
    UPDATE ledger.balance SET balance = balance + p_amount WHERE account_id = p_account;
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, corrects_id, counts_at, recorded_at)
    SELECT platform.uuid7(p_recorded_at), i.id, p_account, p_amount, 'regrant', p_correlation,
           ledger.expiry_of(p_account), p_counts_at, p_recorded_at
      FROM ledger.account i WHERE i.asset = v_account.asset AND i.kind = 'issued';
    IF v_backing.id IS NOT NULL THEN
        PERFORM ledger.fund_again(v_backing, p_amount * v_account.unit_cents, p_correlation,
                                  p_counts_at, p_recorded_at);
    END IF;
END $$;

-- From the envelopes to an entitlement or backing again, in its shares.
CREATE OR REPLACE FUNCTION ledger.fund_again(
    p_account ledger.account, p_amount bigint, p_correlation uuid, p_counts_at timestamptz,
    p_recorded_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_contributed bigint := ledger.contributed(p_account.id);
    v_envelopes uuid[];
    v_parts bigint[];
    v_count integer;
BEGIN
    SELECT array_agg(envelope_id ORDER BY envelope_id), array_agg(amount ORDER BY envelope_id),
           count(*)
      INTO v_envelopes, v_parts, v_count
      FROM ledger.parts_between(p_account.share_plan_id, v_contributed, v_contributed + p_amount);
    PERFORM ledger.append_few(
        ARRAY(SELECT platform.uuid7(p_recorded_at) FROM generate_series(1, v_count)),
        v_envelopes, array_fill(p_account.id, ARRAY[v_count]), v_parts,
        array_fill('regrant'::text, ARRAY[v_count]), array_fill(p_correlation, ARRAY[v_count]),
        array_fill(ledger.expiry_of(p_account.id), ARRAY[v_count]),
        array_fill(p_counts_at, ARRAY[v_count]), p_recorded_at, NULL, NULL);
END $$;

-- The latest expiry of an account.
CREATE OR REPLACE FUNCTION ledger.expiry_of(p_account uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM ledger.transfer
     WHERE debit_account_id = p_account AND kind = 'expiry' ORDER BY id DESC LIMIT 1
$$;

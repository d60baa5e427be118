-- What payment knows of each order, and the ledger of what happened to its money.

CREATE TABLE transactions (
    order_id       uuid        PRIMARY KEY,
    state          jsonb       NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    status         text        NOT NULL GENERATED ALWAYS AS (state ->> 'status') STORED
                   CHECK (status IN ('collecting', 'charging', 'unknown', 'voiding', 'unresolved', 'captured',
                                     'failed', 'voided', 'refunding', 'refund_stuck', 'refunded')),
    amount_minor   bigint      GENERATED ALWAYS AS ((state #>> '{intent,amount_minor}')::bigint) STORED,
    currency       text        GENERATED ALWAYS AS (state #>> '{intent,currency}') STORED,
    captured_minor bigint      NOT NULL GENERATED ALWAYS AS ((state ->> 'captured_minor')::bigint) STORED,
    refunded_minor bigint      NOT NULL GENERATED ALWAYS AS ((state ->> 'refunded_minor')::bigint) STORED,
    -- Invariant 2, held by the database as well.
    CONSTRAINT transactions_capture_at_most_the_amount
        CHECK (captured_minor >= 0 AND captured_minor <= COALESCE(amount_minor, 0)),
    CONSTRAINT transactions_refund_at_most_the_capture
        CHECK (refunded_minor >= 0 AND refunded_minor <= captured_minor)
    -- A transaction changes three or four times; room in its page keeps the changes there.
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE transactions IS 'One row per order payment has heard of; created_at is when it first did. There is at most one charge per order, so the order''s id is the transaction''s key.';
COMMENT ON COLUMN transactions.state IS 'The whole truth the domain decides from; the columns after updated_at are generated from it.';
COMMENT ON COLUMN transactions.status IS 'voided is also the tombstone of an order that was never charged.';
COMMENT ON COLUMN transactions.amount_minor IS 'What is to be charged; null until order.placed has arrived.';

CREATE TABLE ledger_entries (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     uuid        NOT NULL REFERENCES transactions (order_id),
    kind         text        NOT NULL
                 CHECK (kind IN ('charge_requested', 'captured', 'declined', 'voided', 'refund_requested',
                                 'refunded', 'refund_refused', 'refund_unanswered')),
    amount_minor bigint      NOT NULL CHECK (amount_minor >= 0),
    currency     text        NOT NULL,
    at           timestamptz NOT NULL
);
CREATE INDEX ledger_entries_order ON ledger_entries (order_id, id);
-- Invariant 5, held by the database as well: never two captures or refunds of one order.
CREATE UNIQUE INDEX ledger_entries_one_capture ON ledger_entries (order_id) WHERE kind = 'captured';
CREATE UNIQUE INDEX ledger_entries_one_refund ON ledger_entries (order_id) WHERE kind = 'refunded';
COMMENT ON TABLE ledger_entries IS 'What was asked of the gateway and what came of it. Rows are only ever added, in the transaction that changes the state.';
COMMENT ON COLUMN ledger_entries.kind IS 'Only captured and refunded move money. voided: the gateway confirmed that a capture is impossible. refund_unanswered: it was asked for an hour in vain.';
COMMENT ON COLUMN ledger_entries.amount_minor IS 'What the request or the outcome was about, minor units.';

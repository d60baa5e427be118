-- Orders: what the saga knows of each, what was asked, and the keys under which it was asked.

CREATE TABLE orders (
    order_id          uuid        PRIMARY KEY,
    state             jsonb       NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    status            text        NOT NULL GENERATED ALWAYS AS (state ->> 'progress') STORED
        CHECK (status IN ('pending', 'inventory_reserved', 'payment_pending', 'confirmed',
                          'shipped', 'delivered', 'failed', 'cancelled')),
    compensation      text        NOT NULL GENERATED ALWAYS AS (state ->> 'compensation') STORED
        CHECK (compensation IN ('none', 'pending', 'complete', 'stuck')),
    customer_id       text        NOT NULL GENERATED ALWAYS AS (state -> 'placed' ->> 'customer_id') STORED,
    total_minor       bigint      NOT NULL GENERATED ALWAYS AS ((state -> 'placed' ->> 'total_minor')::bigint) STORED
        CHECK (total_minor >= 0),
    processing_micros bigint      GENERATED ALWAYS AS ((state ->> 'processing_micros')::bigint) STORED
        CHECK (processing_micros >= 0),
    -- Compensation belongs to dead orders and to no others.
    CHECK ((status IN ('failed', 'cancelled')) = (compensation <> 'none'))
) WITH (fillfactor = 70);
COMMENT ON TABLE orders IS 'The state of each order, as the rule in order-domain left it. Every other column is generated from it, so they cannot disagree.';
COMMENT ON COLUMN orders.created_at IS 'When the order was placed; the moment order.placed carries.';
COMMENT ON COLUMN orders.compensation IS 'none while the order lives; afterwards whether inventory and payment have accounted for what they held.';
COMMENT ON COLUMN orders.processing_micros IS 'From placed to confirmed, in microseconds; null until confirmed.';

CREATE INDEX orders_by_time ON orders (created_at DESC, order_id DESC);
CREATE INDEX orders_by_customer ON orders (customer_id, created_at DESC, order_id DESC);
-- The included column lets the metrics be answered from the index alone.
CREATE INDEX orders_by_status ON orders (status, created_at DESC, order_id DESC) INCLUDE (processing_micros);
-- What a person has to look at; nearly always empty.
CREATE INDEX orders_stuck ON orders (created_at) WHERE compensation = 'stuck';

CREATE TABLE order_details (
    order_id       uuid        PRIMARY KEY,
    correlation_id uuid        NOT NULL,
    body_sha256    bytea       NOT NULL CHECK (octet_length(body_sha256) = 32),
    payment_method jsonb       NOT NULL,
    customer       jsonb,
    client         jsonb,
    created_at     timestamptz NOT NULL
);
COMMENT ON TABLE order_details IS 'What was asked and never changes, apart from the state that changes often. Written once, with the order.';
COMMENT ON COLUMN order_details.correlation_id IS 'Correlation of the request that placed the order, and of everything it caused.';
COMMENT ON COLUMN order_details.body_sha256 IS 'SHA-256 of the normalized order: tells a repeated request from another one under the same id.';
COMMENT ON COLUMN order_details.payment_method IS 'Kind, token, brand and last four digits; never a card number.';
COMMENT ON COLUMN order_details.customer IS 'Personal data: name, e-mail, phone.';
COMMENT ON COLUMN order_details.client IS 'Personal data: device, address, browser.';

CREATE TABLE idempotency_keys (
    key         text        PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 255),
    order_id    uuid        NOT NULL,
    body_sha256 bytea       NOT NULL CHECK (octet_length(body_sha256) = 32),
    created_at  timestamptz NOT NULL
);
COMMENT ON TABLE idempotency_keys IS 'Which order a client''s Idempotency-Key made. Written in the transaction that makes the order.';

-- Each order''s row is rewritten about five times within seconds: vacuum by count of changed rows.
ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

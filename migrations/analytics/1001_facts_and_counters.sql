-- What analytics knows: the facts of each order, and counters that are kept up with them.

CREATE TABLE order_facts (
    order_id             uuid        PRIMARY KEY,
    state                jsonb       NOT NULL,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    -- Moments are microseconds since 1970 in the document, because a text cannot become a timestamp in a
    -- generated column: how it reads depends on the session's time zone.
    placed_at            timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{placed,at}')::bigint / 1e6)) STORED,
    customer_id          text        GENERATED ALWAYS AS (state #>> '{placed,customer_id}') STORED,
    total_minor          bigint      GENERATED ALWAYS AS ((state #>> '{placed,total_minor}')::bigint) STORED,
    currency             text        GENERATED ALWAYS AS (state #>> '{placed,currency}') STORED,
    items_count          integer     GENERATED ALWAYS AS ((state #>> '{placed,items_count}')::integer) STORED,
    assessed_at          timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{assessed,at}')::bigint / 1e6)) STORED,
    reserved_at          timestamptz GENERATED ALWAYS AS (to_timestamp((state ->> 'reserved')::bigint / 1e6)) STORED,
    payment_requested_at timestamptz GENERATED ALWAYS AS (to_timestamp((state ->> 'payment_requested')::bigint / 1e6)) STORED,
    captured_at          timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{captured,at}')::bigint / 1e6)) STORED,
    captured_minor       bigint      GENERATED ALWAYS AS ((state #>> '{captured,minor}')::bigint) STORED,
    captured_currency    text        GENERATED ALWAYS AS (state #>> '{captured,currency}') STORED,
    payment_failed_at    timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{payment_failed,at}')::bigint / 1e6)) STORED,
    confirmed_at         timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{confirmed,at}')::bigint / 1e6)) STORED,
    confirmed_minor      bigint      GENERATED ALWAYS AS ((state #>> '{confirmed,minor}')::bigint) STORED,
    confirmed_currency   text        GENERATED ALWAYS AS (state #>> '{confirmed,currency}') STORED,
    scheduled_at         timestamptz GENERATED ALWAYS AS (to_timestamp((state ->> 'scheduled')::bigint / 1e6)) STORED,
    dispatched_at        timestamptz GENERATED ALWAYS AS (to_timestamp((state ->> 'dispatched')::bigint / 1e6)) STORED,
    delivered_at         timestamptz GENERATED ALWAYS AS (to_timestamp((state ->> 'delivered')::bigint / 1e6)) STORED,
    failed_at            timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{failed,at}')::bigint / 1e6)) STORED,
    failed_code          text        GENERATED ALWAYS AS (state #>> '{failed,code}') STORED,
    cancelled_at         timestamptz GENERATED ALWAYS AS (to_timestamp((state ->> 'cancelled')::bigint / 1e6)) STORED,
    refunded_at          timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{refunded,at}')::bigint / 1e6)) STORED,
    refunded_minor       bigint      GENERATED ALWAYS AS ((state #>> '{refunded,minor}')::bigint) STORED,
    refunded_currency    text        GENERATED ALWAYS AS (state #>> '{refunded,currency}') STORED,
    completed_at         timestamptz GENERATED ALWAYS AS (to_timestamp((state #>> '{completed,at}')::bigint / 1e6)) STORED,
    -- A thousand times what an order may cost. An event with more is dead-lettered here, before the
    -- counters hear of it, so that their sums of one batch cannot overflow.
    CONSTRAINT order_facts_hold_plausible_amounts CHECK (
        total_minor BETWEEN 0 AND 1000000000000000 AND captured_minor BETWEEN 0 AND 1000000000000000
        AND confirmed_minor BETWEEN 0 AND 1000000000000000 AND refunded_minor BETWEEN 0 AND 1000000000000000)
    -- Rewritten by about eight events within seconds; room in its page keeps the changes there.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
COMMENT ON TABLE order_facts IS 'When each order reached each step for the first time, and the amounts. Every other column is generated from state, so they cannot disagree.';
COMMENT ON COLUMN order_facts.placed_at IS 'Null while an event of the order has overtaken order.placed.';
COMMENT ON COLUMN order_facts.items_count IS 'Lines of the order, not units.';
COMMENT ON COLUMN order_facts.confirmed_minor IS 'What order.confirmed says was captured.';

CREATE INDEX order_facts_by_time ON order_facts (placed_at DESC, order_id DESC) WHERE placed_at IS NOT NULL;
CREATE INDEX order_facts_captured ON order_facts (captured_at) INCLUDE (captured_currency, captured_minor) WHERE captured_at IS NOT NULL;
CREATE INDEX order_facts_refunded ON order_facts (refunded_at) INCLUDE (refunded_currency, refunded_minor) WHERE refunded_at IS NOT NULL;
CREATE INDEX order_facts_confirmed ON order_facts (confirmed_at) WHERE confirmed_at IS NOT NULL;

CREATE TABLE order_lines (
    order_id   uuid   NOT NULL,
    product_id uuid   NOT NULL,
    units      bigint NOT NULL CHECK (units >= 0),
    minor      bigint NOT NULL CHECK (minor >= 0),
    PRIMARY KEY (order_id, product_id)
);
COMMENT ON TABLE order_lines IS 'What was ordered; written once, with order.placed. A product named on two lines has the sum of both.';
COMMENT ON COLUMN order_lines.minor IS 'Price of all units of the line, in minor units of the order''s currency.';

CREATE TABLE counters (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    source            uuid    NOT NULL DEFAULT gen_random_uuid(),
    revision          bigint  NOT NULL DEFAULT 0,
    orders            bigint  NOT NULL DEFAULT 0,
    confirmed         bigint  NOT NULL DEFAULT 0,
    failed            bigint  NOT NULL DEFAULT 0,
    payments_captured bigint  NOT NULL DEFAULT 0,
    payments_failed   bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
COMMENT ON TABLE counters IS 'One row. Whoever changes a counter changes this row first: its lock makes the counters of all tables move one batch after the other.';
COMMENT ON COLUMN counters.source IS 'Names this database in Redis, so that figures of another one are never taken for ours.';
COMMENT ON COLUMN counters.revision IS 'One more with each batch; a copy of the counters elsewhere is as old as its revision.';
INSERT INTO counters DEFAULT VALUES;

CREATE TABLE money_totals (
    currency         text   PRIMARY KEY,
    captured_minor   bigint NOT NULL DEFAULT 0,
    refunded_minor   bigint NOT NULL DEFAULT 0,
    confirmed_orders bigint NOT NULL DEFAULT 0,
    confirmed_minor  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
COMMENT ON TABLE money_totals IS 'Sums by currency, kept up with order_facts in the same transaction.';

CREATE TABLE event_counts (
    event_type text   PRIMARY KEY,
    count      bigint NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE event_counts IS 'How many events of each type were handled, each once.';

-- A handful of rows, rewritten by every batch.
ALTER TABLE counters SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE money_totals SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE event_counts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

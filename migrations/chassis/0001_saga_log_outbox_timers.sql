-- The tables every participant has; each service keeps them in its own database.

CREATE TABLE saga_log (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id       uuid        NOT NULL,
    event_id       uuid        UNIQUE,
    input          text        NOT NULL,
    outcome        text        NOT NULL CHECK (outcome IN ('started', 'completed', 'failed', 'compensated', 'ignored')),
    note           text        NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    emitted        jsonb       NOT NULL DEFAULT '[]',
    created_at     timestamptz NOT NULL
);
CREATE INDEX saga_log_order ON saga_log (order_id, id);
COMMENT ON TABLE saga_log IS 'One row per input handled: what came in, what was decided. Its unique event_id is the inbox of the idempotent consumer.';
COMMENT ON COLUMN saga_log.event_id IS 'The event handled; null when the input was a timer, an answer of the outside world or a command.';
COMMENT ON COLUMN saga_log.input IS 'The event type, or timer:<name>, gateway:<answer>, carrier:<answer>, command:<name>.';
COMMENT ON COLUMN saga_log.causation_id IS 'What caused the input, where it is no event: the event that armed the timer or asked for the effect.';
COMMENT ON COLUMN saga_log.emitted IS 'Events decided here: [{"event_id", "event_type", "resent"}].';

CREATE TABLE outbox (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id      uuid        NOT NULL UNIQUE,
    event_type    text        NOT NULL,
    aggregate_id  uuid        NOT NULL,
    -- The broker closes a channel that carries an oversized message, and would take the batch with it.
    body          text        NOT NULL CHECK (octet_length(body) <= 262144),
    created_at    timestamptz NOT NULL,
    published_at  timestamptz,
    claimed_until timestamptz,
    resends       integer     NOT NULL DEFAULT 0,
    returned      integer     NOT NULL DEFAULT 0,
    dead_at       timestamptz
);
CREATE INDEX outbox_pending ON outbox (seq) WHERE published_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_aggregate ON outbox (aggregate_id, seq);
COMMENT ON TABLE outbox IS 'Events written with the state they report. Rows stay after publishing: they are the history.';
COMMENT ON COLUMN outbox.claimed_until IS 'Until then one process has the row in hand; afterwards any sweep may publish it.';
COMMENT ON COLUMN outbox.resends IS 'How often the event was said again under the same id; travels as the header x-resend.';
COMMENT ON COLUMN outbox.returned IS 'How often the broker gave it back because no queue was bound: a fault of the topology.';
COMMENT ON COLUMN outbox.dead_at IS 'The broker refuses this very message; a person has to look.';

CREATE TABLE timers (
    order_id       uuid        NOT NULL,
    name           text        NOT NULL,
    due_at         timestamptz NOT NULL,
    armed_by       uuid,
    correlation_id uuid        NOT NULL,
    PRIMARY KEY (order_id, name)
);
CREATE INDEX timers_due ON timers (due_at);
COMMENT ON TABLE timers IS 'Deadlines that survive a crash; a row is removed in the transaction that acts on it.';
COMMENT ON COLUMN timers.armed_by IS 'The event that armed it: the cause of whatever the timer leads to.';

-- These tables only grow or churn: vacuum by count of changed rows, not by a share of a growing table.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
                        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);
ALTER TABLE timers SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, fillfactor = 70);

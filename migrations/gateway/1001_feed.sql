-- The live feed: the last events of the platform, in the order in which the gateway heard them.

CREATE TABLE feed (
    position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id       uuid        NOT NULL UNIQUE,
    event_type     text        NOT NULL,
    order_id       uuid        NOT NULL,
    correlation_id uuid        NOT NULL,
    body           text        NOT NULL,
    received_at    timestamptz NOT NULL
);
CREATE INDEX feed_order ON feed (order_id, position);
-- A stream of some types that begins far back finds their rows without stepping over all others.
CREATE INDEX feed_type ON feed (event_type, position);
COMMENT ON TABLE feed IS 'What GET /api/events/stream shows. Old rows are removed; the events themselves stay in their producers'' outboxes.';
COMMENT ON COLUMN feed.position IS 'Ascends with the moment a row becomes visible: whoever writes holds one lock from numbering to commit. Has gaps where a transaction failed.';
COMMENT ON COLUMN feed.order_id IS 'The aggregate: an order, or a product for inventory.stock.adjusted.';
COMMENT ON COLUMN feed.body IS 'The envelope as JSON, as text: sent on as it is.';

CREATE TABLE feed_removed (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    through bigint  NOT NULL CHECK (through >= 0)
);
INSERT INTO feed_removed (through) VALUES (0);
COMMENT ON TABLE feed_removed IS 'One row. A reader who wants to go on from before through has missed events, and is told so.';

-- Rows come at one end and go at the other: vacuum by count, before the dead ones at the old end slow the next removal.
ALTER TABLE feed SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
                      autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

-- What shipping knows of each order: the shipment, or a tombstone that refuses what comes late.

CREATE TABLE shipments (
    order_id        uuid        PRIMARY KEY,
    state           jsonb       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    status          text        NOT NULL GENERATED ALWAYS AS (state ->> 'status') STORED
                    CHECK (status IN ('booking', 'scheduled', 'dispatched', 'delivered',
                                      'cancelling', 'cancelled', 'failed')),
    tracking_number text        GENERATED ALWAYS AS (state #>> '{consignment,tracking_number}') STORED,
    CONSTRAINT shipments_on_their_way_have_a_tracking_number
        CHECK (status NOT IN ('scheduled', 'dispatched', 'delivered') OR tracking_number IS NOT NULL)
    -- A shipment changes four times; room in its page keeps the changes there.
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE shipments IS 'One row per order shipping has heard of; created_at is when it first did.';
COMMENT ON COLUMN shipments.state IS 'The whole truth the domain decides from. Holds the address only while a booking may have to be repeated.';
COMMENT ON COLUMN shipments.status IS 'cancelled is also the tombstone of an order that was never booked.';

-- For an operator with a parcel in hand.
CREATE INDEX shipments_tracking_number ON shipments (tracking_number) WHERE tracking_number IS NOT NULL;

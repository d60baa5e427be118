-- What the AI service knows of each order: its score, its review, and what later orders are compared with.

CREATE TABLE assessments (
    order_id      uuid        PRIMARY KEY,
    state         jsonb       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    score         smallint    GENERATED ALWAYS AS ((state #>> '{assessment,score}')::smallint) STORED
                  CHECK (score BETWEEN 0 AND 100),
    verdict       text        GENERATED ALWAYS AS (state #>> '{assessment,verdict}') STORED
                  CHECK (verdict IN ('approve', 'review', 'reject')),
    review_status text        GENERATED ALWAYS AS (state #>> '{review,status}') STORED
                  CHECK (review_status IN ('open', 'decided', 'closed')),
    CONSTRAINT doubtful_orders_and_no_others_have_a_review
        CHECK ((verdict = 'review') IS NOT DISTINCT FROM (review_status IS NOT NULL) OR verdict IS NULL),
    CONSTRAINT a_review_is_of_an_assessment CHECK (verdict IS NOT NULL OR review_status IS NULL)
    -- A row changes two to four times; room in its page keeps the changes there.
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE assessments IS 'One row per order the AI service has heard of; created_at is when it first did. A score is never changed.';
COMMENT ON COLUMN assessments.score IS 'Null while the order has not been placed here: its other events may come first.';

-- The people's list of reviews, by status and age.
CREATE INDEX assessments_reviews ON assessments (review_status, created_at, order_id) WHERE review_status IS NOT NULL;

CREATE TABLE order_features (
    order_id       uuid        PRIMARY KEY,
    customer       text,
    placed_at      timestamptz NOT NULL,
    total_minor    bigint      NOT NULL,
    currency       text        NOT NULL,
    country        text,
    device         uuid,
    ip             uuid,
    token          uuid,
    instrument     uuid,
    payment_failed boolean     NOT NULL,
    confirmed      boolean     NOT NULL,
    died           boolean     NOT NULL,
    delivered      boolean     NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE order_features IS 'Placed orders of the last month, for comparison with new ones; written with assessments, from the same state.';
COMMENT ON COLUMN order_features.placed_at IS 'The order service''s clock: windows are measured on it alone.';
COMMENT ON COLUMN order_features.device IS 'Like ip, token and instrument a fingerprint (UUIDv5), never the thing itself.';

CREATE INDEX order_features_customer ON order_features (customer, placed_at DESC, order_id DESC) WHERE customer IS NOT NULL;
-- By customer, because it is customers that are counted: from one to the next, however many orders each has.
CREATE INDEX order_features_device ON order_features (device, customer, placed_at DESC) WHERE device IS NOT NULL;
CREATE INDEX order_features_ip ON order_features (ip, customer, placed_at DESC) WHERE ip IS NOT NULL;
CREATE INDEX order_features_token ON order_features (token, customer, placed_at DESC) WHERE token IS NOT NULL;
-- For the removal of what nobody looks back at any more, and for nothing else: on placed_at itself the planner
-- would take it for the comparisons too, and read everybody's orders of a month. (A BRIN index would lose its
-- ranges as removed rows' places are filled with new ones.)
CREATE INDEX order_features_age ON order_features (((placed_at AT TIME ZONE 'UTC')::date));

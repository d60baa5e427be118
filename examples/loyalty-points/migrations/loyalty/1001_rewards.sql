-- What loyalty knows of each order, and what the order earned.

CREATE TABLE rewards (
    order_id    uuid        PRIMARY KEY,
    state       jsonb       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    customer_id text        GENERATED ALWAYS AS (state #>> '{purchase,customer_id}') STORED,
    points      bigint      NOT NULL GENERATED ALWAYS AS ((state ->> 'points')::bigint) STORED
                CHECK (points >= 0)
);
COMMENT ON TABLE rewards IS 'One row per order loyalty has heard of; points is 0 until it is delivered.';
COMMENT ON COLUMN rewards.state IS 'The whole truth the rule decides from; the columns beside it are made from it.';

-- For the sum of one customer.
CREATE INDEX rewards_customer ON rewards (customer_id) INCLUDE (points) WHERE points > 0;

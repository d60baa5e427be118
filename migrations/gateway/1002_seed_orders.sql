-- Orders placed through the calls of the other seed systems: what was asked, in the asker's own words.

CREATE TABLE seed_orders (
    position   bigint      GENERATED ALWAYS AS IDENTITY,
    order_id   uuid        PRIMARY KEY,
    system     text        NOT NULL CHECK (system IN ('carts', 'single_items')),
    asked      jsonb       NOT NULL,
    accepted   boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE seed_orders IS 'The words behind the ids: an order called "order-1" has a UUID made from that word, from which the word cannot be read back. The order itself is the order service''s.';
COMMENT ON COLUMN seed_orders.asked IS 'The identifying part of the request, as it was sent: order id, user id, item names, quantity.';
COMMENT ON COLUMN seed_orders.accepted IS 'The order service has it. False while that is being asked, and after a crash or a silence in between, until somebody lists the orders: then it becomes true, or the row is removed when it is older than a minute.';
COMMENT ON COLUMN seed_orders.created_at IS 'When it was asked for, the last time while it is not accepted.';

-- The list shows accepted ones and asks for the others: each is found without stepping over the other kind.
CREATE INDEX seed_orders_accepted ON seed_orders (system, position DESC) WHERE accepted;
CREATE INDEX seed_orders_unsettled ON seed_orders (system, position) WHERE NOT accepted;

-- The list of the seed systems' orders shows accepted ones and asks for the others: each is found without stepping over the other kind.
-- Not CONCURRENTLY: this comes before the first release, so no table is large.

CREATE INDEX seed_orders_accepted ON seed_orders (system, position DESC) WHERE accepted;
CREATE INDEX seed_orders_unsettled ON seed_orders (system, position) WHERE NOT accepted;
DROP INDEX seed_orders_newest;

COMMENT ON COLUMN seed_orders.accepted IS 'The order service has it. False while that is being asked, and after a crash or a silence in between, until somebody lists the orders: then it becomes true, or the row is removed when it is older than a minute.';
COMMENT ON COLUMN seed_orders.created_at IS 'When it was asked for, the last time while it is not accepted.';

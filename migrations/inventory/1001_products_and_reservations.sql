-- What inventory knows: the catalogue with its stock, why stock changed, and what orders hold.

CREATE TABLE products (
    id           uuid        PRIMARY KEY,
    position     bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    sku          text,
    name         text        NOT NULL,
    description  text        NOT NULL DEFAULT '',
    category     text,
    price_minor  bigint      NOT NULL CHECK (price_minor >= 0),
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    on_hand      bigint      NOT NULL CONSTRAINT products_on_hand_is_not_negative CHECK (on_hand >= 0),
    reserved     bigint      NOT NULL DEFAULT 0 CONSTRAINT products_reserved_is_not_negative CHECK (reserved >= 0),
    created_from bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT products_reserved_is_on_hand CHECK (reserved <= on_hand)
    -- Every order changes its products' figures. Room in the page and no index on a figure keep
    -- such an update within its page, without touching an index.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE products IS 'The catalogue and its stock. available = on_hand - reserved. Rows are locked in id order by whoever moves stock.';
COMMENT ON COLUMN products.position IS 'The order in which products were created: the cursor of the list.';
COMMENT ON COLUMN products.price_minor IS 'Price of one, minor units; an order whose price differs is refused.';
COMMENT ON COLUMN products.on_hand IS 'On the shelf, held ones included. Invariant: sum of adjustments = on_hand + committed.';
COMMENT ON COLUMN products.reserved IS 'Held for orders that are not confirmed yet. Invariant: sum of held items.';
COMMENT ON COLUMN products.created_from IS 'SHA-256 of what the product was created with, so that the same request again is recognized after later changes.';

CREATE TABLE stock_adjustments (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id    uuid        NOT NULL REFERENCES products (id),
    delta         bigint      NOT NULL,
    on_hand_after bigint      NOT NULL CHECK (on_hand_after >= 0),
    reason        text        NOT NULL,
    created_at    timestamptz NOT NULL
);
CREATE INDEX stock_adjustments_product ON stock_adjustments (product_id, id);
COMMENT ON TABLE stock_adjustments IS 'Every change of stock that was not an order''s, the opening quantity included; never updated or deleted.';
COMMENT ON COLUMN stock_adjustments.delta IS 'Change of on_hand; 0 when only the price changed.';

-- The lines of a reservation live in its document and nowhere else: a second copy in rows of their
-- own would cost every order two more writes, and could disagree. The audit unpacks them when asked.
CREATE TABLE reservations (
    order_id   uuid        PRIMARY KEY,
    state      jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    status     text        NOT NULL GENERATED ALWAYS AS (state ->> 'status') STORED
               CHECK (status IN ('held', 'committed', 'released', 'rejected'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE reservations IS 'One row per order inventory has heard of: what it holds or held, or a tombstone that refuses what comes late.';
COMMENT ON COLUMN reservations.state IS 'The whole truth the domain decides from: {"status", "items": [{"product_id", "quantity"}], …}.';

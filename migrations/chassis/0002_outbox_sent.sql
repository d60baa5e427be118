-- no-transaction
-- For `GET /outbox/sent`: who compares what was said with what was heard goes through the events in the order in which
-- they were sent, from where it stopped. New entries are always the last, which costs an index next to nothing.
CREATE INDEX CONCURRENTLY outbox_sent ON outbox (published_at, event_id) WHERE published_at IS NOT NULL;

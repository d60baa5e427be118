-- A stream of some types that begins far back finds their rows without stepping over all others.
-- Not CONCURRENTLY: this comes before the first release, so no table is large.

CREATE INDEX feed_type ON feed (event_type, position);

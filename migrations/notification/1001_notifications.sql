-- What notification knows of each order, and every message it ever wrote.

CREATE TABLE correspondence (
    order_id   uuid        PRIMARY KEY,
    state      jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
    -- It changes with each message queued and each message sent; room in its page keeps the changes there.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE correspondence IS 'One row per order notification has heard of: whom to write to, what is queued, what was sent.';

CREATE TABLE notifications (
    seq        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid        NOT NULL UNIQUE,
    order_id   uuid        NOT NULL,
    event_id   uuid        NOT NULL,
    event_type text        NOT NULL,
    channel    text        NOT NULL CHECK (channel IN ('email', 'sms')),
    template   text        NOT NULL,
    recipient  text,
    subject    text,
    status     text        NOT NULL CHECK (status IN ('queued', 'sent', 'failed')),
    attempts   integer     NOT NULL CHECK (attempts >= 0),
    last_error text,
    created_at timestamptz NOT NULL,
    sent_at    timestamptz,
    CONSTRAINT notifications_once_per_event_and_channel UNIQUE (event_id, channel),
    CONSTRAINT notifications_sent_have_a_time CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT notifications_have_a_recipient_or_failed CHECK (recipient IS NOT NULL OR status = 'failed')
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE notifications IS 'The audit log: one row per message, written in the transaction that decided about it.';
COMMENT ON COLUMN notifications.seq IS 'The order of creation; gaps are normal.';
COMMENT ON COLUMN notifications.id IS 'UUIDv5 of event and channel; names the file, the Message-ID and the key at the SMS provider.';
COMMENT ON COLUMN notifications.recipient IS 'Personal: address or number in full. The API masks it. Null while none is known.';

CREATE INDEX notifications_order ON notifications (order_id, seq);
-- For whoever looks for what is stuck or was given up.
CREATE INDEX notifications_status ON notifications (status, seq);
-- Every event makes an e-mail, so the table itself finds those; few shops send text messages.
CREATE INDEX notifications_sms ON notifications (seq) WHERE channel = 'sms';

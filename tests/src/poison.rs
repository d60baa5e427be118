//! Poison: one input of one order that its service cannot write, whatever it tries.

use uuid::Uuid;

use crate::Platform;

/// The trigger raises in the middle of the service's own transaction, as a bug in a handler would.
const TRIGGER: &str = "
    CREATE TABLE IF NOT EXISTS poison (order_id uuid, input text);
    GRANT SELECT ON poison TO PUBLIC;
    CREATE OR REPLACE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM poison p WHERE p.order_id = NEW.order_id AND p.input = NEW.input) THEN
            RAISE EXCEPTION 'poisoned by a test';
        END IF;
        RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER refuse_poison BEFORE INSERT ON saga_log
        FOR EACH ROW EXECUTE FUNCTION refuse_poison();";

impl Platform {
    /// From now on `service` fails whenever it handles `input` (an event type) for that order.
    pub async fn poison(&self, service: &str, order: Uuid, input: &str) {
        self.sql(service, &format!("{TRIGGER} INSERT INTO poison VALUES ('{order}', '{input}')")).await;
    }

    /// … and no longer. Nothing happens to a service that was never poisoned.
    pub async fn heal(&self, service: &str, order: Uuid) {
        if self.count(service, "SELECT count(*) FROM pg_class WHERE relname = 'poison'").await == 0 {
            return;
        }
        self.sql(service, &format!("DELETE FROM poison WHERE order_id = '{order}'")).await;
    }
}

//! What must be true of many orders once the dust has settled.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use shared_events::{EventType, Service};
use uuid::Uuid;

use crate::{Platform, Wanted, eventually, eventually_within};

/// How long many orders may take to settle after a fault: a claim of the outbox (15 s) may have to
/// end, and the retry ladder to be climbed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which of these orders are not there yet: neither settled nor, when a status is wanted, in it.
const UNSETTLED: &str = "SELECT wanted.id, COALESCE(status || '/' || compensation, 'does not exist') \
     FROM UNNEST($1::uuid[], $2::text[]) AS wanted (id, ends) LEFT JOIN orders ON order_id = wanted.id \
     WHERE (status = COALESCE(ends, status) \
            AND (status IN ('confirmed', 'shipped', 'delivered') OR compensation = 'complete')) IS NOT TRUE";

/// Expired holds are said anew each time, and a customer gets several messages; everything else is said at most once for an order.
const SAID_TWICE: &str = "SELECT count(*) FROM (SELECT FROM outbox WHERE event_type NOT IN \
     ('inventory.hold.expired', 'inventory.stock.adjusted', 'notification.sent', 'notification.failed') \
     GROUP BY aggregate_id, event_type HAVING count(*) > 1) AS twice";

impl Platform {
    /// Waits until every one of these orders exists and is settled.
    pub async fn until_settled(&self, orders: &[Uuid]) {
        self.until(orders, vec![None; orders.len()]).await;
    }

    async fn until(&self, orders: &[Uuid], ends: Vec<Option<&str>>) {
        let mut database = self.database("order").await;
        eventually_within(PATIENCE, &format!("{} orders settle", orders.len()), async || {
            let unsettled: Vec<(Uuid, String)> =
                sqlx::query_as(UNSETTLED).bind(orders).bind(&ends).fetch_all(&mut database).await.unwrap();
            match unsettled.first() {
                None => Ok(()),
                Some((id, status)) => Err(format!("{} do not; the first is {id}, {status}", unsettled.len())),
            }
        })
        .await;
    }

    /// Waits until each of these orders is where it has to end, and asserts that nothing was said,
    /// charged or booked twice, and that the platform is sound.
    pub async fn assert_all_ended_well(&self, orders: &[Wanted]) {
        let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
        self.until(&ids, orders.iter().map(|order| Some(order.ends)).collect()).await;
        self.until_everything_is_heard().await;
        self.assert_nothing_was_said_twice().await;
        self.assert_money(orders).await;
        self.assert_sound().await;
    }

    /// Waits until every event that was ever said has been handled by each of its consumers. Not to
    /// be used while there are dead letters.
    pub async fn until_everything_is_heard(&self) {
        eventually_within(PATIENCE, "every event is handled by all of its consumers", async || {
            let mut said = BTreeMap::new();
            let mut heard: BTreeMap<Service, BTreeSet<Uuid>> = BTreeMap::new();
            for service in self.services() {
                let mut database = self.database(service.name()).await;
                let events: Vec<(Uuid, String)> = sqlx::query_as("SELECT event_id, event_type FROM outbox")
                    .fetch_all(&mut database)
                    .await
                    .unwrap();
                said.extend(events);
                let handled: Vec<Uuid> =
                    sqlx::query_scalar("SELECT event_id FROM saga_log WHERE event_id IS NOT NULL")
                        .fetch_all(&mut database)
                        .await
                        .unwrap();
                heard.insert(*service, handled.into_iter().collect());
            }
            for (event, event_type) in &said {
                for service in self.hearers(event_type.parse::<EventType>().unwrap()) {
                    if !heard[&service].contains(event) {
                        return Err(format!("{service} has not handled {event_type} {event}"));
                    }
                }
            }
            Ok(())
        })
        .await;
    }

    /// Asserts that no service emitted two events of one type for one order.
    pub async fn assert_nothing_was_said_twice(&self) {
        for service in self.services() {
            assert_eq!(self.count(service.name(), SAID_TWICE).await, 0, "{service} said something twice");
        }
    }

    /// Asserts what must hold after every test: books balanced, nothing unsent, no dead letters,
    /// never two captures, nothing handed over for an order that had died.
    pub async fn assert_sound(&self) {
        self.assert_books().await;
        for service in self.services() {
            eventually(&format!("{service} has sent everything"), async || {
                let unsent =
                    self.count(service.name(), "SELECT count(*) FROM outbox WHERE published_at IS NULL");
                match unsent.await {
                    0 => Ok(()),
                    n => Err(format!("{n} unsent")),
                }
            })
            .await;
            let dead = self.broker().peek(&format!("{service}.dlq")).await;
            assert!(dead.is_empty(), "{service} has dead letters: {dead:#?}");
        }
    }

    /// Asserts that stock and money add up, in the services' own audits and the gateway's journal.
    pub async fn assert_books(&self) {
        for (service, path) in [("inventory", "/stock/audit"), ("payment", "/ledger/audit")] {
            eventually(&format!("{service}{path} is balanced"), async || {
                let audit = self.get(service, path).await;
                if audit["balanced"] == true { Ok(()) } else { Err(audit.to_string()) }
            })
            .await;
        }
        let summary = self.get("simulators", "/journal/summary").await;
        assert_eq!(summary["double_captures"], 0, "{summary}");
        assert_eq!(summary["dispatched_after_cancel"], 0, "{summary}");
    }

    /// Asserts, by the gateway's own journal, that whoever has goods paid once, and nobody else did.
    async fn assert_money(&self, orders: &[Wanted]) {
        let journal = self.money().await;
        let totals = self.totals(orders).await;
        for order in orders {
            let number = |key: &str| journal.get(&order.id).map_or(0, |row| row[key].as_i64().unwrap());
            let (captures, kept) = (number("captures"), number("captured_minor") - number("refunded_minor"));
            let owed = if order.ends == "failed" { 0 } else { totals[&order.id] };
            assert_eq!(kept, owed, "order {} ({}) and its money", order.id, order.ends);
            assert!(captures <= 1, "order {} was charged {captures} times", order.id);
        }
    }

    /// The total of each of these orders.
    async fn totals(&self, orders: &[Wanted]) -> BTreeMap<Uuid, i64> {
        let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
        let rows: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT order_id, total_minor FROM orders WHERE order_id = ANY($1)")
                .bind(ids)
                .fetch_all(&mut self.database("order").await)
                .await
                .unwrap();
        rows.into_iter().collect()
    }

    /// The gateway's rows, by order.
    async fn money(&self) -> BTreeMap<Uuid, Value> {
        let mut rows = BTreeMap::new();
        let mut path = "/journal/money".to_owned();
        loop {
            let page = self.get("simulators", &path).await;
            for row in page["rows"].as_array().unwrap() {
                rows.insert(row["order_id"].as_str().unwrap().parse().unwrap(), row.clone());
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/journal/money?after={cursor}"),
                None => return rows,
            }
        }
    }
}

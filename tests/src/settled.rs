//! What must be true of many orders once the dust has settled: the [oracles](crate::oracles), asserted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use uuid::Uuid;

use crate::{
    Platform, Wanted, eventually, eventually_within,
    oracles::{self, Books, Events, Outside},
};

/// How long many orders may take to settle after a fault: a claim of the outbox (15 s) may have to
/// end, and the retry ladder to be climbed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which of these orders are not there yet: neither settled nor, when a status is wanted, in it.
const UNSETTLED: &str = "SELECT wanted.id, COALESCE(status || '/' || compensation, 'does not exist') \
     FROM UNNEST($1::uuid[], $2::text[]) AS wanted (id, ends) LEFT JOIN orders ON order_id = wanted.id \
     WHERE (status = COALESCE(ends, status) \
            AND (status IN ('confirmed', 'shipped', 'delivered') OR compensation = 'complete')) IS NOT TRUE";

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
            none(Events::read(self).await.unheard(&BTreeSet::new()))
        })
        .await;
    }

    /// Asserts that no service emitted two events of one type for one order.
    pub async fn assert_nothing_was_said_twice(&self) {
        assert_none(&Events::read(self).await.said_twice());
    }

    /// Asserts what must hold after every test: books balanced, nothing unsent, no dead letters,
    /// never two captures, nothing handed over for an order that had died.
    pub async fn assert_sound(&self) {
        self.assert_books().await;
        eventually("everything is sent", async || none(Events::read(self).await.unsent())).await;
        let dead = oracles::dead_letters(self).await;
        assert!(dead.is_empty(), "there are dead letters: {dead:#?}");
    }

    /// Asserts that stock and money add up, in the services' own audits and the journal of the gateway
    /// and the carrier.
    pub async fn assert_books(&self) {
        eventually("the audits are balanced", async || none(oracles::audits(self).await)).await;
        let books = Books { outside: Outside::read(self), ..Books::default() };
        assert_none(&oracles::double_captures(&books));
        assert_none(&oracles::parcels_handed_over_too_late(&books));
    }

    /// Asserts, by the gateway's own journal, that whoever has goods paid once, and nobody else did.
    async fn assert_money(&self, orders: &[Wanted]) {
        let mut books = Books::read(self).await;
        let wanted: BTreeMap<Uuid, &str> = orders.iter().map(|order| (order.id, order.ends)).collect();
        books.orders.retain(|id, _| wanted.contains_key(id));
        books.outside.charges.retain(|id, _| wanted.contains_key(id));
        assert_eq!(books.orders.len(), wanted.len(), "every order that was placed exists");
        assert_none(&oracles::money(&books));
    }
}

fn none(complaints: Vec<String>) -> Result<(), String> {
    match complaints.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} complaints; the first: {first}", complaints.len())),
    }
}

#[track_caller]
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{complaints:#?}");
}

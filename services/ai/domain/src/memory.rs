//! What is remembered of earlier orders, and what that says about a new one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use shared_events::OrderId;
use uuid::Uuid;

use crate::{Features, Happened, State};

/// One earlier order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Past {
    /// What it told about itself.
    pub features: Features,
    /// What became of it, as far as is known.
    pub happened: Happened,
}

/// By what orders are found again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Customer(String),
    Fingerprint(Uuid),
}

/// Earlier orders, found by customer, device, internet address and token. Which orders are in it is
/// for the caller to decide; [`Memory::WINDOW`] is as far as anybody looks back.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    orders: BTreeMap<OrderId, Past>,
    by_key: BTreeMap<Key, BTreeSet<OrderId>>,
}

/// What earlier orders say about a new one. All windows end when the new order was placed, and all
/// times in them are the order service's: an order counts as failed in the last 24 hours when it was
/// placed in them and its payment is known to have failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Orders of the customer in 30 days; of these and of all below at most
    /// [`Memory::CUSTOMER_ORDERS_MAX`] are looked at, the newest.
    pub orders: i64,
    /// Of these, in one hour.
    pub orders_in_an_hour: i64,
    /// Of these, in 24 hours.
    pub orders_in_a_day: i64,
    /// Orders of the customer in 24 hours whose payment failed.
    pub failed_in_a_day: i64,
    /// Different instruments of the customer in 24 hours, that of the new order included.
    pub instruments_in_a_day: i64,
    /// Other customers on the same device in 7 days, at most [`Memory::OTHERS_MAX`]; so are the next two.
    pub others_on_device: i64,
    /// Other customers at the same internet address in 7 days.
    pub others_at_ip: i64,
    /// Other customers with the same token in 7 days.
    pub others_with_token: i64,
    /// Orders of the customer in 30 days that were confirmed and did not end badly afterwards.
    pub confirmed: i64,
    /// Of these, delivered.
    pub delivered: i64,
    /// Orders of the customer in 30 days in the new order's currency.
    pub comparable: i64,
    /// The largest of the comparable, minor units; 0 when there are none.
    pub largest_minor: i64,
    /// The mean of the comparable, minor units; 0 when there are none.
    pub mean_minor: i64,
    /// Whether the customer's earlier orders went to known countries, and never to this one.
    pub new_country: bool,
}

impl Memory {
    /// As far as anybody looks back.
    pub const WINDOW: Duration = Duration::days(30);
    /// How far back others are looked for on a device, at an address, with a token.
    pub const LINK_WINDOW: Duration = Duration::days(7);
    /// Earlier orders of a customer that a new one is compared with, the newest: far more than the
    /// last step of any rule, and little enough to be read in a millisecond. It is counted here and
    /// not only where the orders are found, because a memory for several new orders holds more.
    pub const CUSTOMER_ORDERS_MAX: usize = 100;
    /// Other customers that are counted behind one device, address or token: twice the last step of
    /// any rule. More of them bring no more points.
    pub const OTHERS_MAX: usize = 20;
    const HOUR: Duration = Duration::hours(1);
    const DAY: Duration = Duration::hours(24);

    /// Remembers an order, or what is newly known of it.
    pub fn remember(&mut self, order: OrderId, past: Past) {
        let features = &past.features;
        let customer = features.customer.as_ref().map(|id| Key::Customer(id.as_str().to_owned()));
        let links = [features.device, features.ip, features.token];
        for key in customer.into_iter().chain(links.into_iter().flatten().map(Key::Fingerprint)) {
            self.by_key.entry(key).or_default().insert(order);
        }
        self.orders.insert(order, past);
    }

    /// Remembers an order of which at least its placing is known.
    pub fn absorb(&mut self, order: OrderId, state: &State) {
        if let Some(features) = &state.placed {
            self.remember(order, Past { features: features.clone(), happened: state.happened });
        }
    }

    /// What is known before the order with these features, which itself does not count.
    #[must_use]
    pub fn history(&self, order: OrderId, new: &Features) -> History {
        let mut history = self.of_customer(order, new);
        history.others_on_device = self.others(new.device, new);
        history.others_at_ip = self.others(new.ip, new);
        history.others_with_token = self.others(new.token, new);
        history
    }

    fn of_customer(&self, order: OrderId, new: &Features) -> History {
        let mut history = History::default();
        let mut instruments: BTreeSet<Uuid> = new.instrument.into_iter().collect();
        let mut countries = BTreeSet::new();
        let mut sum: i128 = 0;
        let key = new.customer.as_ref().map(|id| Key::Customer(id.as_str().to_owned()));
        let mut earlier: Vec<_> =
            self.found(key, new.placed_at, Self::WINDOW).filter(|(id, _)| *id != order).collect();
        earlier.sort_unstable_by_key(|(id, past)| std::cmp::Reverse((past.features.placed_at, *id)));
        for (_, past) in earlier.into_iter().take(Self::CUSTOMER_ORDERS_MAX) {
            let (features, happened) = (&past.features, past.happened);
            history.orders += 1;
            history.orders_in_an_hour += i64::from(within(features, new.placed_at, Self::HOUR));
            if within(features, new.placed_at, Self::DAY) {
                history.orders_in_a_day += 1;
                history.failed_in_a_day += i64::from(happened.payment_failed);
                instruments.extend(features.instrument);
            }
            let good = happened.confirmed && !happened.died;
            history.confirmed += i64::from(good);
            history.delivered += i64::from(good && happened.delivered);
            countries.extend(features.country.as_deref());
            if features.currency == new.currency {
                history.comparable += 1;
                history.largest_minor = history.largest_minor.max(features.total_minor);
                sum += i128::from(features.total_minor);
            }
        }
        history.instruments_in_a_day = i64::try_from(instruments.len()).unwrap_or(i64::MAX);
        // A mean lies between its summands, so it fits what they fit.
        history.mean_minor = i64::try_from(sum / i128::from(history.comparable.max(1))).unwrap_or(i64::MAX);
        history.new_country =
            new.country.as_deref().is_some_and(|to| !countries.is_empty() && !countries.contains(to));
        history
    }

    /// Other customers behind a fingerprint.
    fn others(&self, fingerprint: Option<Uuid>, new: &Features) -> i64 {
        let customers: BTreeSet<_> = self
            .found(fingerprint.map(Key::Fingerprint), new.placed_at, Self::LINK_WINDOW)
            .filter_map(|(_, past)| past.features.customer.as_ref())
            .filter(|customer| Some(*customer) != new.customer.as_ref())
            .collect();
        i64::try_from(customers.len().min(Self::OTHERS_MAX)).unwrap_or(i64::MAX)
    }

    fn found(
        &self,
        key: Option<Key>,
        until: DateTime<Utc>,
        window: Duration,
    ) -> impl Iterator<Item = (OrderId, &Past)> {
        key.and_then(|key| self.by_key.get(&key))
            .into_iter()
            .flatten()
            .filter_map(|order| Some((*order, self.orders.get(order)?)))
            .filter(move |(_, past)| within(&past.features, until, window))
    }
}

/// Orders of one batch of the order service carry the same time: they count for each other.
fn within(past: &Features, until: DateTime<Utc>, window: Duration) -> bool {
    past.placed_at <= until && past.placed_at > until - window
}

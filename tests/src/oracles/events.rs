//! Events: what stands in the outboxes, and who has handled it (invariant 7).

use std::collections::{BTreeMap, BTreeSet};

use shared_events::{EventType, Service};
use uuid::Uuid;

use crate::Platform;

const SAID: &str =
    "SELECT event_id, event_type, aggregate_id, published_at IS NOT NULL, dead_at IS NOT NULL FROM outbox";
const HANDLED: &str = "SELECT event_id, count(*) FROM saga_log WHERE event_id IS NOT NULL GROUP BY event_id";

/// Expired holds are said anew each time, a product may be adjusted often, and a customer gets several
/// messages; everything else is said at most once for an order.
const SAID_OFTEN: [EventType; 4] = [
    EventType::InventoryHoldExpired,
    EventType::InventoryStockAdjusted,
    EventType::NotificationSent,
    EventType::NotificationFailed,
];

/// An event in an outbox.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// Whose.
    pub service: Service,
    /// Its type.
    pub event_type: EventType,
    /// The order or product it is about.
    pub about: Uuid,
    /// Whether the broker has confirmed it.
    pub is_sent: bool,
    /// Whether the broker refused it for good.
    pub is_dead: bool,
}

/// Everybody's outbox and everybody's log.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// By id.
    pub said: BTreeMap<Uuid, Said>,
    /// How often each service has handled what; one entry for each service that runs.
    pub handled: BTreeMap<Service, BTreeMap<Uuid, i64>>,
}

impl Events {
    /// Reads the outboxes, and after them the logs.
    pub async fn read(platform: &Platform) -> Self {
        let mut events = Self::default();
        for service in platform.services() {
            let rows: Vec<(Uuid, String, Uuid, bool, bool)> =
                sqlx::query_as(SAID).fetch_all(&mut platform.database(service.name()).await).await.unwrap();
            for (id, event_type, about, is_sent, is_dead) in rows {
                let event_type = event_type.parse().unwrap();
                events.said.insert(id, Said { service: *service, event_type, about, is_sent, is_dead });
            }
        }
        for service in platform.services() {
            let rows: Vec<(Uuid, i64)> = sqlx::query_as(HANDLED)
                .fetch_all(&mut platform.database(service.name()).await)
                .await
                .unwrap();
            events.handled.insert(*service, rows.into_iter().collect());
        }
        events
    }

    /// Every event was handled by each of its consumers that run, or lies among that one's dead letters.
    #[must_use]
    pub fn unheard(&self, dead_letters: &BTreeSet<(Service, Uuid)>) -> Vec<String> {
        let mut complaints = Vec::new();
        for (id, said) in &self.said {
            for (service, handled) in &self.handled {
                let hears = said.event_type.entry().is_consumed_by(*service);
                if hears && !handled.contains_key(id) && !dead_letters.contains(&(*service, *id)) {
                    complaints.push(format!(
                        "{service} has not handled {} {id} of order {}",
                        said.event_type, said.about
                    ));
                }
            }
        }
        complaints
    }

    /// Nobody handled an event twice, or one that nobody said.
    #[must_use]
    pub fn handled_wrongly(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (service, handled) in &self.handled {
            for (id, times) in handled {
                if *times > 1 {
                    complaints.push(format!("{service} has handled event {id} {times} times"));
                }
                if !self.said.contains_key(id) {
                    complaints.push(format!("{service} has handled event {id}, which stands in no outbox"));
                }
            }
        }
        complaints
    }

    /// No service said two events of one type about one order.
    #[must_use]
    pub fn said_twice(&self) -> Vec<String> {
        let mut times: BTreeMap<(Service, Uuid, EventType), usize> = BTreeMap::new();
        for said in self.said.values().filter(|said| !SAID_OFTEN.contains(&said.event_type)) {
            *times.entry((said.service, said.about, said.event_type)).or_default() += 1;
        }
        let twice = times.into_iter().filter(|(_, times)| *times > 1);
        twice
            .map(|((service, about, event_type), times)| {
                format!("{service} said {event_type} {times} times about order {about}")
            })
            .collect()
    }

    /// Nothing waits to be sent.
    #[must_use]
    pub fn unsent(&self) -> Vec<String> {
        let told = |id: &Uuid, said: &Said| match (said.is_dead, said.is_sent) {
            (true, _) => {
                Some(format!("{}: {} {id} was refused by the broker", said.service, said.event_type))
            }
            (false, false) => Some(format!("{} has not sent {} {id}", said.service, said.event_type)),
            (false, true) => None,
        };
        self.said.iter().filter_map(|(id, said)| told(id, said)).collect()
    }

    /// A wiretap on all exchanges saw every committed event at least once, and nothing that no outbox
    /// has: that would have been published before its commit, or without one.
    #[must_use]
    pub fn wiretapped(&self, seen: &BTreeSet<Uuid>) -> Vec<String> {
        let unseen = self.said.iter().filter(|(id, _)| !seen.contains(id));
        let unseen = unseen.map(|(id, said)| {
            format!("{}: {} {id} was committed, and the wiretap never saw it", said.service, said.event_type)
        });
        let uncommitted = seen.iter().filter(|id| !self.said.contains_key(id));
        let uncommitted =
            uncommitted.map(|id| format!("event {id} was seen on the wire and stands in no outbox"));
        unseen.chain(uncommitted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const ORDER: Uuid = Uuid::from_u128(3);

    fn events() -> Events {
        let said = Said {
            service: Service::Order,
            event_type: EventType::InventoryReserveRequested,
            about: ORDER,
            is_sent: true,
            is_dead: false,
        };
        let handled = |ids: &[Uuid]| ids.iter().map(|id| (*id, 1)).collect();
        Events {
            said: BTreeMap::from([(ID, said)]),
            handled: BTreeMap::from([(Service::Inventory, handled(&[ID])), (Service::Payment, handled(&[]))]),
        }
    }

    #[test]
    fn sound_events_give_no_complaint() {
        let events = events();
        let all = [
            events.unheard(&BTreeSet::new()),
            events.handled_wrongly(),
            events.said_twice(),
            events.unsent(),
            events.wiretapped(&BTreeSet::from([ID])),
        ];
        assert_eq!(all.concat(), Vec::<String>::new());
    }

    #[test]
    fn an_event_that_a_consumer_never_handled_is_told_unless_it_is_a_dead_letter_there() {
        let mut events = events();
        events.handled.insert(Service::Inventory, BTreeMap::new());
        assert_eq!(events.unheard(&BTreeSet::new()).len(), 1);
        assert_eq!(events.unheard(&BTreeSet::from([(Service::Payment, ID)])).len(), 1);
        assert_eq!(events.unheard(&BTreeSet::from([(Service::Inventory, ID)])), Vec::<String>::new());
    }

    #[test]
    fn what_is_handled_twice_or_out_of_nothing_is_told() {
        let mut events = events();
        events.handled.insert(Service::Payment, BTreeMap::from([(ID, 2), (OTHER, 1)]));
        let complaints = events.handled_wrongly();
        assert!(complaints[0].contains("2 times") && complaints[1].contains("no outbox"), "{complaints:?}");
    }

    #[test]
    fn what_is_said_twice_unsent_or_refused_is_told() {
        let mut events = events();
        events.said.insert(OTHER, Said { is_sent: false, ..events.said[&ID] });
        assert!(events.said_twice()[0].contains("2 times"));
        assert!(events.unsent()[0].contains("has not sent"));
        events.said.insert(OTHER, Said { is_dead: true, ..events.said[&ID] });
        assert!(events.unsent()[0].contains("refused"));
    }

    #[test]
    fn the_wiretap_tells_what_was_never_sent_and_what_was_never_committed() {
        let complaints = events().wiretapped(&BTreeSet::from([OTHER]));
        assert!(complaints[0].contains("never saw") && complaints[1].contains("no outbox"), "{complaints:?}");
    }
}

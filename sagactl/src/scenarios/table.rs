//! The six failures, as a table: what is ordered, who gets in the way, and what everybody's books must say afterwards.

use std::time::Duration;

use anyhow::Result;
use shared_events::EventType;
use uuid::Uuid;

use super::checks::{Expected, examine};
use super::{Stage, Wanted, cancel_upon, order};
use crate::timeline::{milliseconds, verdict};

/// The silent gateway is found out after the call's own time limit and one question; everything else takes seconds.
/// A compensation that was lost is resent after two minutes, so this is more than that.
const LIMIT: Duration = Duration::from_secs(180);

/// One failure and its right ending.
pub struct Scenario {
    /// For `--only`.
    pub name: &'static str,
    /// What is shown above the timeline.
    pub title: &'static str,
    product: (&'static str, i64),
    stock: i64,
    quantity: u32,
    token: &'static str,
    country: &'static str,
    /// The customer cancels when this is heard.
    cancel_upon: Option<EventType>,
    ending: Ending,
}

/// What everybody must say at the end.
struct Ending {
    last: &'static [EventType],
    order: &'static str,
    /// How many of the stock are gone for good.
    sold: i64,
    reservation: &'static str,
    transaction: &'static str,
    captured: bool,
    refunded: bool,
    booking: &'static str,
    mails: &'static [&'static str],
    logged: &'static [(&'static str, &'static str)],
    verdict: &'static str,
}

/// All of them, in the order in which they are shown.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "not-enough-stock",
        title: "Not enough stock: the order fails, nothing is charged",
        product: ("Enamel Mug", 1450),
        stock: 2,
        quantity: 5,
        token: "tok_ok",
        country: "US",
        cancel_upon: None,
        ending: Ending {
            last: &[EventType::OrderCompleted],
            order: "failed, insufficient_stock, compensation complete",
            sold: 0,
            reservation: "rejected",
            transaction: "voided",
            captured: false,
            refunded: false,
            booking: "none",
            mails: &["order_received", "order_failed"],
            logged: &[
                ("inventory", "inventory.reserve.requested"),
                ("order", "inventory.reserve.failed"),
                ("order", "payment.voided"),
                ("payment", "inventory.reserve.failed"),
                ("shipping", "order.failed"),
            ],
            verdict: "failed, nothing held, nothing charged",
        },
    },
    Scenario {
        name: "payment-declined",
        title: "Payment declined: the held stock is released",
        product: ("Linen Apron", 3200),
        stock: 20,
        quantity: 3,
        token: "tok_declined",
        country: "US",
        cancel_upon: None,
        ending: Ending {
            last: &[EventType::OrderCompleted],
            order: "failed, card_declined, compensation complete",
            sold: 0,
            reservation: "released",
            transaction: "failed",
            captured: false,
            refunded: false,
            booking: "none",
            mails: &["order_received", "order_failed"],
            logged: &[
                ("inventory", "payment.failed"),
                ("order", "payment.failed"),
                ("order", "inventory.released"),
                ("payment", "inventory.reserved"),
            ],
            verdict: "failed, stock released, nothing charged",
        },
    },
    Scenario {
        name: "silent-capture",
        title: "The gateway captures and stays silent: found out, charged once",
        product: ("Walnut Tray", 5900),
        stock: 20,
        quantity: 1,
        token: "tok_timeout_captured",
        country: "US",
        cancel_upon: None,
        ending: Ending {
            last: &[EventType::OrderConfirmed, EventType::ShippingScheduled],
            order: "confirmed",
            sold: 1,
            reservation: "committed",
            transaction: "captured",
            captured: true,
            refunded: false,
            booking: "booked",
            mails: &["order_received", "order_confirmed"],
            logged: &[
                ("order", "payment.processed"),
                ("inventory", "order.confirmed"),
                ("payment", "inventory.reserved"),
                ("shipping", "order.confirmed"),
            ],
            verdict: "confirmed although the gateway never answered, one charge",
        },
    },
    Scenario {
        name: "cancel-while-paying",
        title: "Cancelled while the charge is in flight: refunded and released",
        product: ("Wool Blanket", 8900),
        stock: 20,
        quantity: 1,
        token: "tok_slow",
        country: "US",
        cancel_upon: Some(EventType::PaymentRequested),
        ending: Ending {
            last: &[EventType::OrderCompleted],
            order: "cancelled, compensation complete",
            sold: 0,
            reservation: "released",
            transaction: "refunded",
            captured: true,
            refunded: true,
            booking: "none",
            mails: &["order_received", "order_cancelled", "order_refunded"],
            logged: &[
                ("inventory", "order.cancelled"),
                ("payment", "order.cancelled"),
                ("shipping", "order.cancelled"),
                ("order", "payment.refunded"),
                ("order", "inventory.released"),
            ],
            verdict: "cancelled, captured and refunded, stock released",
        },
    },
    Scenario {
        name: "cancel-after-confirmation",
        title: "Cancelled after confirmation: booking cancelled, stock back, refunded",
        product: ("Oak Stool", 12_900),
        stock: 20,
        quantity: 2,
        token: "tok_ok",
        country: "US",
        cancel_upon: Some(EventType::ShippingScheduled),
        ending: Ending {
            last: &[EventType::OrderCompleted],
            order: "cancelled, compensation complete",
            sold: 0,
            reservation: "released",
            transaction: "refunded",
            captured: true,
            refunded: true,
            booking: "cancelled",
            mails: &["order_received", "order_confirmed", "order_cancelled", "order_refunded"],
            logged: &[
                ("shipping", "order.cancel.requested"),
                ("order", "shipping.cancelled"),
                ("inventory", "order.cancelled"),
                ("payment", "order.cancelled"),
                ("order", "payment.refunded"),
            ],
            verdict: "cancelled at the carrier, refunded, stock back on the shelf",
        },
    },
    Scenario {
        name: "carrier-refuses",
        title: "The carrier refuses the address: refunded and released",
        product: ("Cast Iron Pan", 6400),
        stock: 20,
        quantity: 1,
        token: "tok_ok",
        country: "XX",
        cancel_upon: None,
        ending: Ending {
            last: &[EventType::OrderCompleted],
            order: "failed, address_unserviceable, compensation complete",
            sold: 0,
            reservation: "released",
            transaction: "refunded",
            captured: true,
            refunded: true,
            booking: "refused",
            mails: &["order_received", "order_confirmed", "order_failed", "order_refunded"],
            logged: &[
                ("shipping", "order.confirmed"),
                ("order", "shipping.failed"),
                ("inventory", "order.failed"),
                ("payment", "order.failed"),
                ("order", "payment.refunded"),
            ],
            verdict: "failed, refunded, stock back on the shelf",
        },
    },
];

pub(super) async fn play(stage: &mut Stage, scenario: &Scenario) -> Result<bool> {
    println!("{}", stage.palette.strong(scenario.title));
    let (name, price_minor) = scenario.product;
    let wanted = Wanted {
        product_id: stage.new_product(name, price_minor, scenario.stock).await?,
        product_name: name,
        unit_price_minor: price_minor,
        quantity: scenario.quantity,
        token: scenario.token,
        country: scenario.country,
    };
    let order_id = Uuid::now_v7();
    let platform = stage.platform.clone();
    let mut asked = false;
    let ending = &scenario.ending;
    let story = stage
        .play(
            &wanted,
            LIMIT,
            |story| ending.last.iter().all(|event_type| story.has(*event_type)),
            async |envelope| cancel_upon(&platform, scenario.cancel_upon, &mut asked, envelope).await,
            order_id,
        )
        .await?;

    let total = wanted.total_minor();
    let expected = Expected {
        order_id,
        order: ending.order.to_owned(),
        product: Some((wanted.product_id, scenario.stock - ending.sold)),
        reservation: ending.reservation,
        transaction: ending.transaction,
        captures: u64::from(ending.captured),
        captured_minor: if ending.captured { total } else { 0 },
        refunded_minor: if ending.refunded { total } else { 0 },
        booking: ending.booking,
        mails: ending.mails,
        logged: ending.logged,
    };
    let checks = examine(&stage.platform, &expected).await?;
    let held = stage.print_checks(&checks);
    let audits = order::audits(stage).await?;
    let well = story.ended && held && audits;
    println!("{}", verdict(stage.palette, well, &closing(&story, ending, held, audits)));
    Ok(well)
}

fn closing(story: &crate::follow::Story, ending: &Ending, held: bool, audits: bool) -> Vec<String> {
    if !story.ended {
        let last: Vec<&str> = ending.last.iter().map(|event_type| event_type.as_str()).collect();
        let late = format!("no {} within {} s", last.join(" and "), LIMIT.as_secs());
        return vec![late, format!("order {}", story.order_id)];
    }
    let took = ending.last.iter().filter_map(|event_type| story.micros_to(*event_type)).max().unwrap_or(0);
    let told = if held { ending.verdict } else { "not everything went as the choreography says" };
    let books = if audits { "books balanced" } else { "the books do not balance" };
    let mut parts = vec![told.to_owned(), format!("{} ms", milliseconds(took)), books.to_owned()];
    if !held {
        parts.push(format!("order {}", story.order_id));
    }
    parts
}

#[cfg(test)]
mod tests {
    use shared_events::Service;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SCENARIOS.len());
    }

    #[test]
    fn every_log_entry_asked_for_is_an_event_that_service_consumes() {
        for scenario in SCENARIOS {
            for (service, event) in scenario.ending.logged {
                let service: Service = service.parse().expect("a service");
                let event_type: EventType = event.parse().expect("an event");
                assert!(
                    event_type.entry().is_consumed_by(service),
                    "{}: {event} at {service}",
                    scenario.name
                );
            }
        }
    }

    #[test]
    fn what_is_refunded_was_captured_and_what_is_sold_is_kept() {
        for scenario in SCENARIOS {
            let ending = &scenario.ending;
            assert!(ending.captured || !ending.refunded, "{}", scenario.name);
            let kept = ending.captured && !ending.refunded;
            assert_eq!(ending.sold > 0, kept, "{}", scenario.name);
        }
    }
}

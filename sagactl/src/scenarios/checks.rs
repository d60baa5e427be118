//! What must be true after a scenario, asked of the services themselves and of the gateway's journal.

use std::time::{Duration, Instant};

use anyhow::Result;
use uuid::Uuid;

use crate::client::{Platform, minor_units};
use crate::console::{Palette, amount};

/// A participant may still be writing down what the last event told it; after this time a wrong figure is wrong.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often wrong figures are asked for again.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was asked, and whom: `inventory /reservations`.
    pub source: String,
    /// What was found.
    pub found: String,
    /// What should have been found; shown when it was not.
    pub wanted: String,
    /// Whether they agree.
    pub held: bool,
}

impl Check {
    fn new(source: &str, found: String, wanted: String) -> Self {
        let held = found == wanted || has_gone_on(&found, &wanted);
        Self { source: source.to_owned(), found, wanted, held }
    }

    /// `  ✔ inventory /reservations   released`
    pub fn line(&self, palette: Palette) -> String {
        let source = palette.dim(format!("{:<26}", self.source));
        let mark = palette.mark(self.held);
        if self.held {
            format!("  {mark} {source}  {}", self.found)
        } else {
            format!("  {mark} {source}  {}, should be {}", self.found, self.wanted)
        }
    }
}

/// The carrier's clock runs on (fast, with a time scale): an order that should be confirmed may be shipped by now, and a
/// parcel that should be booked may be on its way.
fn has_gone_on(found: &str, wanted: &str) -> bool {
    let later = |wanted_ending: &str, later_ending: &str| {
        let stem = wanted.strip_suffix(wanted_ending);
        stem.is_some_and(|stem| found.strip_suffix(later_ending) == Some(stem))
    };
    later("confirmed", "shipped")
        || later("confirmed", "delivered")
        || later("carrier: booked", "carrier: dispatched")
        || later("carrier: booked", "carrier: delivered")
}

/// What the services and the journal should say about one order and its product.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) order_id: Uuid,
    /// Status and, for dead orders, the failure's code: `failed, card_declined`.
    pub(super) order: String,
    /// The product made for the scenario and what must be available; nothing may be reserved any more.
    pub(super) product: Option<(Uuid, i64)>,
    pub(super) reservation: &'static str,
    pub(super) transaction: &'static str,
    pub(super) captures: u64,
    pub(super) captured_minor: i64,
    pub(super) refunded_minor: i64,
    /// What the carrier knows: `none`, `booked`, `cancelled`, `refused`.
    pub(super) booking: &'static str,
    /// The texts of the mails the customer must have been sent, each once.
    pub(super) mails: &'static [&'static str],
    /// What must stand in whose saga log.
    pub(super) logged: &'static [(&'static str, &'static str)],
}

/// Asks until everything holds or the patience ends, and returns the last answers.
pub(super) async fn examine(platform: &Platform, expected: &Expected) -> Result<Vec<Check>> {
    let started = Instant::now();
    loop {
        let checks = ask(platform, expected).await?;
        if checks.iter().all(|check| check.held) || started.elapsed() >= PATIENCE {
            return Ok(checks);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn ask(platform: &Platform, expected: &Expected) -> Result<Vec<Check>> {
    let id = expected.order_id;
    let mut checks = Vec::new();
    let order = platform.order(id).await?;
    checks.push(Check::new(
        "order /orders",
        order.map_or_else(|| "unknown".to_owned(), |order| describe_order(&order)),
        expected.order.clone(),
    ));
    if let Some((product_id, available)) = expected.product {
        let product = platform.product(product_id).await?;
        let figures = |available, reserved| format!("{available} available, {reserved} reserved");
        checks.push(Check::new(
            "inventory /products",
            product.map_or_else(
                || "unknown".to_owned(),
                |product| figures(product.available_quantity, product.reserved_quantity),
            ),
            figures(available, 0),
        ));
    }
    let reservation = platform.reservation(id).await?;
    checks.push(Check::new(
        "inventory /reservations",
        reservation.map_or_else(|| "none".to_owned(), |reservation| reservation.status),
        expected.reservation.to_owned(),
    ));
    checks.extend(ask_about_money(platform, expected).await?);
    checks.push(ask_mails(platform, expected).await?);
    checks.push(ask_assessment(platform, id).await?);
    checks.push(ask_logs(platform, expected).await?);
    Ok(checks)
}

async fn ask_about_money(platform: &Platform, expected: &Expected) -> Result<Vec<Check>> {
    let id = expected.order_id;
    let transaction = platform.transaction(id).await?;
    let refund = platform.refund(id).await?;
    let journal = platform.journal(id).await?;
    let refunded = if expected.refunded_minor > 0 {
        format!("refunded, {}", amount(expected.refunded_minor, "USD"))
    } else {
        "none".to_owned()
    };
    let money = |captures, captured, refunded, booking: &str| {
        format!(
            "{captures} captured ({}), {} refunded, carrier: {booking}",
            amount(captured, "USD"),
            amount(refunded, "USD")
        )
    };
    Ok(vec![
        Check::new(
            "payment /transactions",
            transaction.map_or_else(|| "none".to_owned(), |transaction| transaction.status),
            expected.transaction.to_owned(),
        ),
        Check::new(
            "payment /refunds",
            refund.map_or_else(
                || "none".to_owned(),
                |refund| format!("{}, {}", refund.status, amount(minor_units(&refund.amount), "USD")),
            ),
            refunded,
        ),
        Check::new(
            "simulators /journal",
            money(
                journal.captures,
                journal.captured_minor,
                journal.refunded_minor,
                journal.booking_status.as_deref().unwrap_or("none"),
            ),
            money(expected.captures, expected.captured_minor, expected.refunded_minor, expected.booking),
        ),
    ])
}

/// The customer was told each thing once.
async fn ask_mails(platform: &Platform, expected: &Expected) -> Result<Check> {
    let told = platform.notifications(expected.order_id).await?;
    let mut sent: Vec<&str> = told
        .iter()
        .filter(|mail| mail.channel == "email" && mail.status == "sent")
        .map(|mail| mail.template.as_str())
        // The carrier's clock runs on: a parcel may be on its way by now.
        .filter(|template| !matches!(*template, "order_shipped" | "order_delivered"))
        .collect();
    sent.sort_unstable();
    let mut wanted = expected.mails.to_vec();
    wanted.sort_unstable();
    Ok(Check::new("notification /notifications", sent.join(", "), wanted.join(", ")))
}

/// The order was scored; what the verdict is depends on what this customer did before.
async fn ask_assessment(platform: &Platform, order_id: Uuid) -> Result<Check> {
    let assessment = platform.assessment(order_id).await?;
    Ok(Check {
        source: "ai /assessments".to_owned(),
        held: assessment.is_some(),
        found: assessment.map_or_else(
            || "none".to_owned(),
            |assessment| format!("{}, score {}", assessment.verdict, assessment.score),
        ),
        wanted: "a verdict".to_owned(),
    })
}

/// Every service that should have logged an event did.
async fn ask_logs(platform: &Platform, expected: &Expected) -> Result<Check> {
    let urls = platform.urls().clone();
    let mut missing = Vec::new();
    let mut rows = 0;
    for (service, url) in urls.all().into_iter().filter(|(name, _)| *name != "simulators") {
        let log = platform.saga_log(url, expected.order_id).await?;
        rows += log.len();
        let wanted = expected.logged.iter().filter(|(name, _)| *name == service);
        for (_, event) in wanted.filter(|(_, event)| !log.iter().any(|row| row.event_type == *event)) {
            missing.push(format!("{event} at {service}"));
        }
    }
    let held = missing.is_empty();
    Ok(Check {
        source: "all /saga-logs".to_owned(),
        found: if held {
            format!("{rows} rows, none missing")
        } else {
            format!("missing: {}", missing.join(", "))
        },
        wanted: "all logged".to_owned(),
        held,
    })
}

fn describe_order(order: &crate::client::Order) -> String {
    let failure = order.failure.as_ref().map(|failure| format!(", {}", failure.code)).unwrap_or_default();
    match order.compensation() {
        "none" => format!("{}{failure}", order.status),
        compensation => format!("{}{failure}, compensation {compensation}", order.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_has_gone_on_to_the_customer_is_still_as_it_should_be() {
        let held = |found: &str, wanted: &str| Check::new("order", found.into(), wanted.into()).held;
        assert!(held("shipped", "confirmed"));
        assert!(held("1 captured, carrier: delivered", "1 captured, carrier: booked"));
        assert!(!held("2 captured, carrier: delivered", "1 captured, carrier: booked"));
        assert!(!held("confirmed", "shipped"));
        assert!(!held("delivered", "cancelled"));
    }

    #[test]
    fn a_check_that_fails_says_what_should_have_been() {
        let held = Check::new("inventory /reservations", "released".into(), "released".into());
        assert_eq!(held.line(Palette::PLAIN), "  ✔ inventory /reservations     released");
        let failed = Check::new("payment /refunds", "none".into(), "refunded, $12.00".into());
        assert_eq!(
            failed.line(Palette::PLAIN),
            "  ✘ payment /refunds            none, should be refunded, $12.00"
        );
    }
}

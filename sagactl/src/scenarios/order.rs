//! The order that succeeds: two totes, confirmed, committed, paid once, booked.

use std::time::Duration;

use anyhow::Result;
use shared_events::EventType;
use uuid::Uuid;

use super::checks::{Expected, examine};
use super::{Stage, Wanted};
use crate::client::minor_units;
use crate::console::amount;
use crate::demo;
use crate::timeline::{milliseconds, verdict};

/// How long the order may take, booking included; on an idle machine it takes a fiftieth of a second.
const LIMIT: Duration = Duration::from_secs(60);

/// How many are bought.
const QUANTITY: u32 = 2;

/// What the customer reads before the parcel leaves.
const MAILS: &[&str] = &["order_received", "order_confirmed"];

/// What is made for the occasion when the demonstration catalogue is absent or sold out.
const SPARE: (&str, i64, i64) = ("Canvas Tote", 2499, 150);

pub(super) async fn play(stage: &mut Stage) -> Result<bool> {
    let (product_id, name, price_minor) = product(stage).await?;
    let wanted = Wanted {
        product_id,
        product_name: &name,
        unit_price_minor: price_minor,
        quantity: QUANTITY,
        token: "tok_ok",
        country: "US",
    };
    let order_id = Uuid::now_v7();
    let story = stage
        .play(
            &wanted,
            LIMIT,
            |story| {
                let booked = story.has(EventType::OrderConfirmed) && story.has(EventType::ShippingScheduled);
                let mails =
                    story.count(EventType::NotificationSent) + story.count(EventType::NotificationFailed);
                let told = mails >= MAILS.len() && story.has(EventType::FraudAssessed);
                (booked && told) || story.has(EventType::OrderCompleted)
            },
            async |_| Ok(()),
            order_id,
        )
        .await?;

    let expected = Expected {
        order_id,
        order: "confirmed".to_owned(),
        product: None,
        reservation: "committed",
        transaction: "captured",
        captures: 1,
        captured_minor: wanted.total_minor(),
        refunded_minor: 0,
        booking: "booked",
        mails: MAILS,
        logged: &[
            ("order", "payment.processed"),
            ("inventory", "inventory.reserve.requested"),
            ("inventory", "order.confirmed"),
            ("payment", "inventory.reserved"),
            ("shipping", "order.confirmed"),
            ("ai", "order.placed"),
            ("notification", "order.confirmed"),
            ("analytics", "shipping.scheduled"),
            ("gateway", "shipping.scheduled"),
        ],
    };
    let checks = examine(&stage.platform, &expected).await?;
    let audits = audits(stage).await?;
    let well = story.ended && audits && checks.iter().all(|check| check.held);
    if !checks.iter().all(|check| check.held) {
        stage.print_checks(&checks);
    }
    let parts = match story.micros_to(EventType::OrderConfirmed) {
        Some(micros) if well => vec![
            format!("confirmed in {} ms", milliseconds(micros)),
            format!("{QUANTITY} committed"),
            format!("{} captured once", amount(wanted.total_minor(), "USD")),
            format!("{} mails sent", MAILS.len()),
            "books balanced".to_owned(),
        ],
        Some(micros) => vec![
            format!("confirmed in {} ms", milliseconds(micros)),
            if audits { "books balanced" } else { "the books do not balance" }.to_owned(),
            "not everything went as the choreography says".to_owned(),
            format!("order {order_id}"),
        ],
        None => vec![format!("not confirmed within {} s", LIMIT.as_secs()), format!("order {order_id}")],
    };
    println!("{}", verdict(stage.palette, well, &parts));
    Ok(well)
}

/// Both audits; a difference is printed.
pub(super) async fn audits(stage: &Stage) -> Result<bool> {
    let stock = stage.platform.stock_audit().await?;
    let ledger = stage.platform.ledger_audit().await?;
    for (what, audit) in [("stock", &stock), ("ledger", &ledger)] {
        for difference in &audit.differences {
            println!("  {} {what} audit: {difference}", stage.palette.mark(false));
        }
    }
    Ok(stock.balanced && ledger.balanced)
}

/// The demonstration's Canvas Tote while there is enough of it, else one made for the occasion.
async fn product(stage: &Stage) -> Result<(Uuid, String, i64)> {
    if let Some(tote) = demo::catalogue().into_iter().next()
        && let Some(found) = stage.platform.product(tote.id).await?
        && found.available_quantity >= i64::from(QUANTITY)
    {
        return Ok((found.id, found.name, minor_units(&found.price)));
    }
    let (name, price_minor, stock) = SPARE;
    let id = stage.new_product(name, price_minor, stock).await?;
    Ok((id, name.to_owned(), price_minor))
}

//! Drawing a saga: one line for the order, one for each event, one verdict. Pure, so that the look is a test.

use shared_events::events::fraud::{Ruling, Verdict};
use shared_events::events::inventory::{FailedLine, ReleasedFrom, ReserveFailure};
use shared_events::events::notification::Channel;
use shared_events::events::order::{OrderOutcome, RequestedBy};
use shared_events::{Currency, Event};
use uuid::Uuid;

use crate::console::{Palette, amount, grouped};

/// Wide enough for `inventory.reserve.requested` and a blank.
const EVENT_WIDTH: usize = 28;

/// Wide enough for `notification`.
const SERVICE_WIDTH: usize = 12;

/// Wide enough for `99999.9`: a hundred seconds in milliseconds.
const TIME_WIDTH: usize = 7;

/// Comments are cut here, so that a line of the timeline stays one line.
const COMMENT_WIDTH_MAX: usize = 60;

/// The order, as its headline tells it.
#[derive(Debug, Clone)]
pub struct Headline {
    /// Whose saga this is.
    pub order_id: Uuid,
    /// Quantity and name of each line.
    pub lines: Vec<(u32, String)>,
    /// The total in minor units.
    pub total_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// What else matters: the payment token, an odd country.
    pub remarks: Vec<String>,
}

/// `order 0199c3f2…  2 × Canvas Tote, $49.98, tok_ok`
pub fn headline(palette: Palette, order: &Headline) -> String {
    let id = order.order_id.to_string();
    let mut parts: Vec<String> =
        order.lines.iter().map(|(quantity, name)| format!("{quantity} × {name}")).collect();
    parts.push(amount(order.total_minor, order.currency.as_str()));
    parts.extend(order.remarks.iter().cloned());
    // Enough to recognize it; a verdict that is not good names the whole id.
    format!("{} {}…  {}", palette.strong("order"), &id[..8], parts.join(", "))
}

/// One event: `    2.9     inventory     inventory.reserved            2 held, 148 left`. The first line names the unit.
pub fn row(
    palette: Palette,
    is_first: bool,
    micros_since_placed: i64,
    service: &str,
    event: &Event,
) -> String {
    let unit = if is_first { "ms" } else { "  " };
    let name = event.event_type().as_str();
    let painted = match weight(event) {
        Weight::Good => palette.good(format!("{name:<EVENT_WIDTH$}")),
        Weight::Bad => palette.bad(format!("{name:<EVENT_WIDTH$}")),
        Weight::MakingGood => palette.warn(format!("{name:<EVENT_WIDTH$}")),
        Weight::Plain => format!("{name:<EVENT_WIDTH$}"),
    };
    let time = milliseconds(micros_since_placed);
    let line = format!(
        "{} {}  {}  {painted}  {}",
        format_args!("{time:>TIME_WIDTH$}"),
        palette.dim(unit),
        palette.dim(format!("{service:<SERVICE_WIDTH$}")),
        shortened(&comment(event)),
    );
    line.trim_end().to_owned()
}

/// `✔ confirmed in 8.9 ms · 2 committed`
pub fn verdict(palette: Palette, well: bool, parts: &[String]) -> String {
    format!("{} {}", palette.mark(well), parts.join(" · "))
}

/// Microseconds as milliseconds with one decimal, rounded: `8.9`.
pub fn milliseconds(micros: i64) -> String {
    let tenths = (micros.unsigned_abs() + 50) / 100;
    let sign = if micros < 0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

enum Weight {
    Plain,
    Good,
    Bad,
    MakingGood,
}

fn weight(event: &Event) -> Weight {
    match event {
        Event::OrderConfirmed(_) | Event::ShippingDelivered(_) => Weight::Good,
        Event::FraudAssessed(assessed) => match assessed.verdict {
            Verdict::Approve => Weight::Plain,
            Verdict::Review => Weight::MakingGood,
            Verdict::Reject => Weight::Bad,
        },
        Event::FraudReviewed(reviewed) => match reviewed.verdict {
            Ruling::Approve => Weight::Plain,
            Ruling::Reject => Weight::Bad,
        },
        Event::OrderCompleted(completed) => match completed.outcome {
            OrderOutcome::Delivered => Weight::Good,
            OrderOutcome::Failed | OrderOutcome::Cancelled => Weight::Plain,
        },
        Event::InventoryReserveFailed(_)
        | Event::PaymentFailed(_)
        | Event::PaymentRefundFailed(_)
        | Event::PaymentUnresolved(_)
        | Event::ShippingFailed(_)
        | Event::OrderCancelled(_)
        | Event::OrderFailed(_)
        | Event::NotificationFailed(_) => Weight::Bad,
        Event::InventoryReleased(_)
        | Event::PaymentVoided(_)
        | Event::PaymentRefunded(_)
        | Event::OrderCancelRequested(_)
        | Event::ShippingCancelled(_)
        | Event::ShippingCancelRejected(_)
        | Event::InventoryHoldExpired(_) => Weight::MakingGood,
        Event::OrderPlaced(_)
        | Event::InventoryReserveRequested(_)
        | Event::InventoryReserved(_)
        | Event::PaymentRequested(_)
        | Event::PaymentProcessed(_)
        | Event::ShippingScheduled(_)
        | Event::ShippingDispatched(_)
        | Event::InventoryStockAdjusted(_)
        | Event::NotificationSent(_) => Weight::Plain,
    }
}

/// What a person wants to know of an event besides its name, from its data; often nothing.
pub fn comment(event: &Event) -> String {
    match event {
        Event::OrderPlaced(_) | Event::InventoryReserveRequested(_) | Event::OrderConfirmed(_) => {
            String::new()
        }
        Event::InventoryReserved(reserved) => {
            let held: u64 = reserved.items.iter().map(|line| u64::from(line.quantity)).sum();
            match reserved.items.as_slice() {
                [line] => {
                    format!("{held} held, {} left", grouped(line.available_after.max(0).unsigned_abs()))
                }
                lines => format!("{held} held of {} products", lines.len()),
            }
        }
        Event::InventoryReserveFailed(failed) => {
            failed.lines.first().map_or_else(|| failed.reason.clone(), failed_line)
        }
        Event::InventoryHoldExpired(expired) => format!("asks, {}×", expired.asked),
        Event::InventoryReleased(released) => {
            let back: u64 = released.items.iter().map(|line| u64::from(line.quantity)).sum();
            match released.released_from {
                ReleasedFrom::Nothing => "nothing was held".to_owned(),
                ReleasedFrom::Held => format!("{back} released"),
                ReleasedFrom::Committed => format!("{back} back on the shelf"),
            }
        }
        Event::FraudAssessed(assessed) => {
            format!("{}, score {}", verdict_word(assessed.verdict), assessed.score)
        }
        Event::FraudReviewed(reviewed) => {
            format!("{} by {}", ruling_word(reviewed.verdict), reviewed.decided_by)
        }
        Event::PaymentRequested(_) => "→ gateway".to_owned(),
        Event::PaymentProcessed(paid) => {
            format!("{} captured", amount(paid.amount_minor, paid.currency.as_str()))
        }
        Event::PaymentFailed(failed) => failed.code.clone(),
        Event::PaymentVoided(_) => "never charged".to_owned(),
        Event::PaymentRefunded(back) => format!("{} back", amount(back.amount_minor, back.currency.as_str())),
        Event::PaymentRefundFailed(owed) => {
            format!("{} owed, {}", amount(owed.amount_minor, owed.currency.as_str()), owed.code)
        }
        Event::PaymentUnresolved(unknown) => unknown.reason.clone(),
        Event::OrderCancelRequested(wish) => wish.reason.clone(),
        Event::ShippingScheduled(booked) => {
            format!("{}, arrives {}", booked.tracking_number, booked.estimated_delivery.format("%-d %b"))
        }
        Event::ShippingDispatched(parcel) => parcel.tracking_number.clone(),
        Event::ShippingDelivered(parcel) => parcel.tracking_number.clone(),
        Event::ShippingFailed(failed) => failed.code.clone(),
        Event::ShippingCancelled(cancelled) => {
            if cancelled.was_booked { "booking cancelled" } else { "never booked" }.to_owned()
        }
        Event::ShippingCancelRejected(rejected) => rejected.reason.clone(),
        Event::OrderCancelled(cancelled) => match cancelled.requested_by {
            RequestedBy::Customer => "by the customer".to_owned(),
            RequestedBy::Operator => "by an operator".to_owned(),
        },
        Event::OrderFailed(failed) => format!("{}: {}", failed.failed_step, failed.code),
        Event::OrderCompleted(completed) => match completed.outcome {
            OrderOutcome::Delivered => "delivered".to_owned(),
            OrderOutcome::Failed | OrderOutcome::Cancelled => "everything made good".to_owned(),
        },
        Event::InventoryStockAdjusted(adjusted) => {
            format!("{:+}, {} on hand", adjusted.delta, adjusted.on_hand)
        }
        Event::NotificationSent(sent) => format!("{}, {}", channel(sent.channel), sent.template),
        Event::NotificationFailed(failed) => format!("{}, {}", channel(failed.channel), failed.reason),
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approved",
        Verdict::Review => "a person is asked",
        Verdict::Reject => "rejected",
    }
}

fn ruling_word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Approve => "approved",
        Ruling::Reject => "rejected",
    }
}

fn failed_line(line: &FailedLine) -> String {
    match line.code {
        ReserveFailure::InsufficientStock => format!("{} asked, {} available", line.asked, line.available),
        ReserveFailure::UnknownProduct => "no such product".to_owned(),
        ReserveFailure::PriceMismatch => "price disagrees with the catalogue".to_owned(),
    }
}

fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Sms => "text message",
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= COMMENT_WIDTH_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(COMMENT_WIDTH_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;

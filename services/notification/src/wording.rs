//! Words that are not in templates: amounts and dates as people write them, reasons that a customer
//! understands, and the alphabet of text messages.

use chrono::{DateTime, Utc};
use shared_events::{Money, OrderId};

/// Septets of one text message; a longer one is cut in two and paid twice.
pub const SMS_SEPTETS_MAX: usize = 160;

/// `$1,234.56`, `€5.00`, `CHF 12.00`.
#[must_use]
pub fn amount(money: Money) -> String {
    let whole = (money.minor.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if money.minor < 0 { "-" } else { "" };
    let number = format!("{grouped}.{:02}", money.minor.unsigned_abs() % 100);
    match money.currency.as_str() {
        "USD" => format!("{sign}${number}"),
        "EUR" => format!("{sign}€{number}"),
        "GBP" => format!("{sign}£{number}"),
        other => format!("{sign}{other} {number}"),
    }
}

/// `Monday, November 23, 2026`. Carriers promise days, and we do not know the customer's time zone.
#[must_use]
pub fn day(at: DateTime<Utc>) -> String {
    at.format("%A, %B %-d, %Y").to_string()
}

/// `3 items`.
#[must_use]
pub fn pieces(count: u64) -> String {
    if count == 1 { "1 item".to_owned() } else { format!("{count} items") }
}

/// The last eight digits of the order's id: short enough for a subject and the telephone. The first
/// ones are a time and the same for all orders of a minute.
#[must_use]
pub fn reference(order: OrderId) -> String {
    let digits = order.0.simple().to_string().to_uppercase();
    digits[digits.len() - 8..].to_owned()
}

/// Why an order failed, as the second half of "We could not complete your order: …". The words are
/// chosen by the event's code; its own sentence is written for whoever runs the platform. What a
/// fraud check found is nobody's business but ours.
#[must_use]
pub fn failure(step: &str, code: &str) -> &'static str {
    match code {
        "insufficient_stock" => "there is not enough in stock of what you ordered",
        "unknown_product" => "something you ordered is no longer in our shop",
        "price_mismatch" => "the price of something you ordered has changed",
        "card_declined" => "your card was declined",
        "insufficient_funds" => "your bank reported insufficient funds",
        "fraud_rejected" | "fraud_unavailable" | "review_timeout" => "we could not accept the payment",
        "gateway_timeout" | "gateway_unavailable" => "the payment did not go through",
        "address_unserviceable" => "the carrier does not deliver to your address",
        "carrier_unavailable" | "carrier_cancelled" => "no carrier could take your parcel",
        "confirmation_timeout" => "it took us too long to process it",
        _ => match step {
            "inventory" => "something you ordered is not available",
            "payment" => "the payment did not go through",
            "shipping" => "your parcel could not be shipped",
            _ => "it took us too long to process it",
        },
    }
}

/// What the customer can do about it.
#[must_use]
pub fn advice(step: &str, code: &str) -> &'static str {
    match code {
        "card_declined" | "insufficient_funds" => {
            "You are welcome to order again with another means of payment."
        }
        "address_unserviceable" => "You are welcome to order again with another address.",
        "price_mismatch" => "You are welcome to order again at the price the shop shows now.",
        _ if step == "inventory" => "We would be glad if you found something else in our shop.",
        _ => "You are welcome to try again later.",
    }
}

/// The basic alphabet of GSM 03.38, one septet each.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ!\"#¤%&'()*+,-./0123456789:;<=>?¡\
    ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension, two septets each.
const GSM_EXTENDED: &str = "^{}\\[~]|€";

/// How many septets the character takes; `None` outside of the alphabet, where a text would have
/// to travel as UCS-2 and be cut at 70 characters.
fn septets(character: char) -> Option<usize> {
    if GSM_BASIC.contains(character) {
        Some(1)
    } else if GSM_EXTENDED.contains(character) {
        Some(2)
    } else {
        None
    }
}

/// The text as one text message: foreign characters become question marks, what is too long is cut.
#[must_use]
pub fn text_message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = SMS_SEPTETS_MAX;
    for character in text.chars() {
        let (character, cost) = septets(character).map_or(('?', 1), |cost| (character, cost));
        if cost > left {
            break;
        }
        left -= cost;
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        for (minor, currency, text) in [
            (4998, "USD", "$49.98"),
            (123_456_789, "USD", "$1,234,567.89"),
            (100_000, "EUR", "€1,000.00"),
            (5, "GBP", "£0.05"),
            (-1200, "CHF", "-CHF 12.00"),
            (99_999, "USD", "$999.99"),
        ] {
            assert_eq!(amount(Money::new(minor, currency.parse().unwrap())), text);
        }
    }

    #[test]
    fn days_and_references_are_short_and_plain() {
        assert_eq!(day("2026-11-23T17:00:00Z".parse().unwrap()), "Monday, November 23, 2026");
        let order: OrderId = "0199c3f2-7a10-7001-8000-00003f2a9c1b".parse().unwrap();
        assert_eq!(reference(order), "3F2A9C1B");
        assert_eq!((pieces(1), pieces(3)), ("1 item".to_owned(), "3 items".to_owned()));
    }

    #[test]
    fn a_customer_is_never_told_what_a_fraud_check_found() {
        for code in ["fraud_rejected", "fraud_unavailable", "review_timeout", "fraud_something_new"] {
            let said = failure("payment", code);
            assert!(!said.contains("fraud") && !said.contains("review"), "{said}");
        }
    }

    #[test]
    fn an_unknown_code_is_explained_by_its_step() {
        assert_eq!(failure("shipping", "brand_new"), "your parcel could not be shipped");
        assert_eq!(failure("brand_new", "brand_new"), "it took us too long to process it");
    }

    #[test]
    fn a_text_message_keeps_to_the_alphabet_and_the_length_of_one() {
        assert_eq!(text_message("Zürich: €5 для вас"), "Zürich: €5 ??? ???");
        assert_eq!(text_message(&"€".repeat(100)).chars().count(), 80);
        assert_eq!(text_message(&"x".repeat(200)).len(), SMS_SEPTETS_MAX);
        // 159 septets leave no room for a character of two.
        assert_eq!(text_message(&format!("{}€", "x".repeat(159))), "x".repeat(159));
    }
}

use shared_events::events::{inventory, order, payment, shipping};
use shared_events::{CustomerId, ProductId};

use super::*;

fn product() -> ProductId {
    ProductId(Uuid::nil())
}

fn address() -> order::Address {
    order::Address {
        street: "1 Pier Road".into(),
        city: "Portland".into(),
        state: "ME".into(),
        zip: "04101".into(),
        country: None,
    }
}

fn lines() -> Vec<order::Line> {
    vec![order::Line { product_id: product(), quantity: 2, unit_price_minor: 2499 }]
}

fn customer() -> CustomerId {
    CustomerId::try_from("c-1".to_owned()).expect("a customer id")
}

fn happy_saga() -> Vec<(i64, &'static str, Event)> {
    let placed = order::OrderPlaced {
        customer_id: customer(),
        items: lines(),
        total_minor: 4998,
        currency: Currency::USD,
        shipping_address: address(),
        payment_method: order::PaymentMethod {
            kind: "credit_card".into(),
            token: Some("tok_ok".into()),
            card_brand: None,
            card_last_four: None,
        },
        customer: None,
        client: None,
    };
    let requested = order::InventoryReserveRequested { items: lines(), currency: Currency::USD };
    let reserved = inventory::InventoryReserved {
        items: vec![inventory::ReservedLine { product_id: product(), quantity: 2, available_after: 148 }],
        expires_at: "2026-11-20T10:15:00Z".parse().expect("a time"),
    };
    let charge = payment::PaymentRequested {
        amount_minor: 4998,
        currency: Currency::USD,
        method: "credit_card".into(),
        assessed: false,
    };
    let paid = payment::PaymentProcessed {
        transaction_id: Uuid::nil(),
        amount_minor: 4998,
        currency: Currency::USD,
    };
    let confirmed = order::OrderConfirmed {
        customer_id: customer(),
        items: lines(),
        total_minor: 4998,
        currency: Currency::USD,
        shipping_address: address(),
    };
    let scheduled = shipping::ShippingScheduled {
        tracking_number: "TRK-7F3K2".into(),
        estimated_delivery: "2026-11-23T12:00:00Z".parse().expect("a time"),
    };
    vec![
        (0, "order", placed.into()),
        (310, "order", requested.into()),
        (2_949, "inventory", reserved.into()),
        (4_100, "payment", charge.into()),
        (6_751, "payment", paid.into()),
        (8_900, "order", confirmed.into()),
        (11_200, "shipping", scheduled.into()),
    ]
}

#[test]
fn a_successful_saga_is_drawn_as_the_readme_shows_it() {
    let order = Headline {
        order_id: "0199c3f2-0000-7000-8000-000000000000".parse().expect("an id"),
        lines: vec![(2, "Canvas Tote".into())],
        total_minor: 4998,
        currency: Currency::USD,
        remarks: vec!["tok_ok".into()],
    };
    let mut drawn = vec![headline(Palette::PLAIN, &order)];
    for (position, (micros, service, event)) in happy_saga().iter().enumerate() {
        drawn.push(row(Palette::PLAIN, position == 0, *micros, service, event));
    }
    let parts =
        ["confirmed in 8.9 ms", "2 committed", "$49.98 captured once", "books balanced"].map(String::from);
    drawn.push(verdict(Palette::PLAIN, true, &parts));

    let expected = "\
order 0199c3f2…  2 × Canvas Tote, $49.98, tok_ok
    0.0 ms  order         order.placed
    0.3     order         inventory.reserve.requested
    2.9     inventory     inventory.reserved            2 held, 148 left
    4.1     payment       payment.requested             → gateway
    6.8     payment       payment.processed             $49.98 captured
    8.9     order         order.confirmed
   11.2     shipping      shipping.scheduled            TRK-7F3K2, arrives 23 Nov
✔ confirmed in 8.9 ms · 2 committed · $49.98 captured once · books balanced";
    assert_eq!(drawn.join("\n"), expected);
}

#[test]
fn a_release_says_where_the_stock_had_been() {
    let released = |released_from, quantity| {
        let items = vec![inventory::HeldLine { product_id: product(), quantity }];
        comment(
            &inventory::InventoryReleased { released_from, items, reason: "order.cancelled".into() }.into(),
        )
    };
    assert_eq!(released(ReleasedFrom::Held, 3), "3 released");
    assert_eq!(released(ReleasedFrom::Committed, 3), "3 back on the shelf");
    assert_eq!(released(ReleasedFrom::Nothing, 0), "nothing was held");
}

#[test]
fn a_shortage_shows_what_was_asked_and_what_there_was() {
    let failed = inventory::InventoryReserveFailed {
        code: ReserveFailure::InsufficientStock,
        reason: "not enough".into(),
        lines: vec![FailedLine {
            product_id: product(),
            code: ReserveFailure::InsufficientStock,
            asked: 5,
            available: 2,
            asked_price_minor: 100,
            price_minor: Some(100),
        }],
    };
    assert_eq!(comment(&failed.into()), "5 asked, 2 available");
}

#[test]
fn milliseconds_are_rounded_to_a_tenth() {
    assert_eq!(milliseconds(0), "0.0");
    assert_eq!(milliseconds(49), "0.0");
    assert_eq!(milliseconds(50), "0.1");
    assert_eq!(milliseconds(30_012_345), "30012.3");
    assert_eq!(milliseconds(-1_500), "-1.5");
}

#[test]
fn a_long_reason_is_cut_so_that_a_line_stays_a_line() {
    let wish = order::OrderCancelRequested { reason: "x".repeat(500), requested_by: RequestedBy::Customer };
    let drawn = row(Palette::PLAIN, false, 0, "order", &wish.into());
    assert!(drawn.chars().count() < 120, "{drawn}");
    assert!(drawn.ends_with('…'), "{drawn}");
}

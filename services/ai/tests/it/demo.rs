//! The demonstration shop and the load test: ordinary orders are approved, however fast they come.

use std::collections::BTreeMap;

use ai_domain::{Features, Happened, Memory, Past, Scorecard};
use chrono::{DateTime, Duration, Utc};
use sagactl::demo::{BasketGenerator, CatalogueItem, Expected, OrderSource as _, catalogue};
use shared_events::{
    Currency, OrderId,
    events::{
        fraud::Verdict,
        order::{Address, Client, Customer, OrderPlaced, PaymentMethod},
    },
};
use uuid::Uuid;

use crate::world::*;

/// Orders after which one is confirmed or has failed, in a burst: as many as are on their way.
const ON_THEIR_WAY: usize = 256;

fn order_of(body: &serde_json::Value, at: DateTime<Utc>) -> Features {
    let text = |pointer: &str| body.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned);
    let total_minor = body["items"].as_array().unwrap().iter().map(|line| {
        let price: chassis::http::Amount = serde_json::from_str(&line["price"].to_string()).unwrap();
        price.0 * line["quantity"].as_i64().unwrap()
    });
    let order = OrderPlaced {
        customer_id: text("/customer_id").unwrap().try_into().unwrap(),
        items: Vec::new(),
        total_minor: total_minor.sum(),
        currency: Currency::USD,
        shipping_address: Address {
            country: text("/shipping_address/country"),
            ..placed("x").shipping_address
        },
        payment_method: PaymentMethod { token: text("/payment_method/token"), ..placed("x").payment_method },
        customer: Some(Customer {
            email: text("/customer/email"),
            created_at: text("/customer/created_at").map(|at| at.parse().unwrap()),
            ..Customer::default()
        }),
        client: Some(Client {
            device_id: text("/client/device_id"),
            ip: text("/client/ip"),
            user_agent: None,
        }),
    };
    Features::of(&order, at)
}

fn happened(expected: Expected) -> Happened {
    let failed = expected == Expected::PaymentFailed;
    let died = failed || expected != Expected::Confirmed;
    Happened { payment_failed: failed, confirmed: !failed, died, delivered: false }
}

/// The verdicts of `count` orders of the generator, `gap` apart, or by the shop's own clock.
fn verdicts(seed: u64, count: usize, gap: Option<Duration>) -> BTreeMap<&'static str, usize> {
    let items: Vec<CatalogueItem> = catalogue().iter().map(CatalogueItem::from).collect();
    let opening = now();
    let mut baskets =
        sagactl::demo::GeneratedOrders::new(BasketGenerator::new(seed, &items).with_clock(opening, 0.05));
    let (mut memory, mut verdicts, mut waiting) = (Memory::default(), BTreeMap::new(), Vec::new());
    let mut at = opening;
    for number in 0..count {
        let planned = baskets.next_order().unwrap();
        at += gap.unwrap_or_else(|| Duration::from_std(planned.gap).unwrap());
        let (order, features) = (OrderId(Uuid::from_u128(number as u128)), order_of(&planned.body, at));
        let history = memory.history(order, &features);
        let assessment = Scorecard::default().assess(&features, &history, at);
        let word = match assessment.verdict {
            Verdict::Approve => "approve",
            Verdict::Review => "review",
            Verdict::Reject => "reject",
        };
        *verdicts.entry(word).or_default() += 1;
        let later = Past { features: features.clone(), happened: happened(planned.expected) };
        memory.remember(order, Past { features, happened: Happened::default() });
        waiting.push((order, later));
        if waiting.len() > ON_THEIR_WAY || gap.is_none() {
            let (order, past) = waiting.remove(0);
            memory.remember(order, past);
        }
    }
    verdicts
}

#[test]
fn the_demonstration_shop_is_approved_at_its_own_pace_and_in_a_burst() {
    for seed in [1, 2] {
        for (gap, count) in [(None, 3_000), (Some(Duration::milliseconds(4)), 5_000)] {
            let verdicts = verdicts(seed, count, gap);
            println!("seed {seed}, gap {gap:?}: {verdicts:?}");
            let approved = verdicts.get("approve").copied().unwrap_or_default();
            assert!(approved * 1_000 > count * 999, "seed {seed}, gap {gap:?}: {verdicts:?}");
        }
    }
}

//! What counts as earlier, and as the same: the windows and the links.

use ai_domain::{Features, Happened, History, Memory, Past, State, fingerprint};
use chrono::Duration;

use crate::world::*;

fn history(pasts: impl IntoIterator<Item = Past>) -> History {
    memory(pasts).history(ORDER, &known())
}

fn with(past: Past, change: impl FnOnce(&mut Features)) -> Past {
    let mut past = past;
    change(&mut past.features);
    past
}

#[test]
fn orders_are_counted_in_the_hour_the_day_and_the_month_before() {
    for (ago, expected) in [
        (-Duration::microseconds(1), (0, 0, 0)),
        (Duration::zero(), (1, 1, 1)),
        (Duration::minutes(59), (1, 1, 1)),
        (Duration::minutes(60), (0, 1, 1)),
        (Duration::hours(23), (0, 1, 1)),
        (Duration::hours(24), (0, 0, 1)),
        (Duration::days(29), (0, 0, 1)),
        (Duration::days(30), (0, 0, 0)),
    ] {
        let found = history([before(ago)]);
        assert_eq!((found.orders_in_an_hour, found.orders_in_a_day, found.orders), expected, "{ago}");
    }
}

#[test]
fn an_order_is_no_history_of_its_own() {
    let mut memory = Memory::default();
    memory.remember(ORDER, before(Duration::zero()));
    assert_eq!(memory.history(ORDER, &known()).orders, 0);
    assert_eq!(memory.history(id(2), &known()).orders, 1);
}

#[test]
fn what_became_of_earlier_orders_is_counted_by_when_they_were_placed() {
    let past = |ago, happened| Past { happened, ..before(ago) };
    let failed = Happened { payment_failed: true, died: true, ..Happened::default() };
    let confirmed = Happened { confirmed: true, ..Happened::default() };
    let delivered = Happened { delivered: true, ..confirmed };
    let undone = Happened { died: true, ..confirmed };
    let found = history([
        past(Duration::hours(2), failed),
        past(Duration::hours(23), failed),
        past(Duration::hours(25), failed),
        past(Duration::days(3), confirmed),
        past(Duration::days(4), delivered),
        past(Duration::days(5), undone),
        past(Duration::days(31), delivered),
    ]);
    assert_eq!((found.failed_in_a_day, found.confirmed, found.delivered), (2, 2, 1));
}

#[test]
fn instruments_are_counted_with_the_new_one_and_each_once() {
    let card = |number: &str| {
        let instrument = Some(fingerprint("card", number));
        with(before(Duration::hours(1)), |features| features.instrument = instrument)
    };
    assert_eq!(history([]).instruments_in_a_day, 1);
    assert_eq!(history([card("1"), card("2"), card("2")]).instruments_in_a_day, 3);
    assert_eq!(history([before(Duration::hours(1))]).instruments_in_a_day, 1);
    let unknown = with(before(Duration::hours(1)), |features| features.instrument = None);
    assert_eq!(history([unknown]).instruments_in_a_day, 1);
}

#[test]
fn others_are_linked_by_device_address_and_token_for_a_week() {
    let other = |name: &str, ago| with(before(ago), |features| features.customer = Some(customer(name)));
    let links = |found: History| (found.others_on_device, found.others_at_ip, found.others_with_token);
    let day = Duration::days(1);
    assert_eq!(links(history([before(day)])), (0, 0, 0), "her own orders link nobody");
    assert_eq!(links(history([other("bob", day), other("bob", day), other("eve", day)])), (2, 2, 2));
    assert_eq!(links(history([other("bob", Duration::days(7))])), (0, 0, 0));
    let device_only = with(other("bob", day), |features| {
        features.ip = None;
        features.token = Some(fingerprint("token", "another"));
    });
    assert_eq!(links(history([device_only])), (1, 0, 0));
    let nothing = with(other("bob", day), |features| {
        (features.device, features.ip, features.token) = (None, None, None);
    });
    assert_eq!(links(history([nothing])), (0, 0, 0));
    assert_eq!(history([other("bob", day)]).orders, 0, "another customer's orders are not hers");
}

#[test]
fn amounts_are_compared_in_the_same_currency_only() {
    let paid = |minor, currency: &str| {
        let currency = currency.parse().unwrap();
        with(before(Duration::days(2)), |features| {
            features.total_minor = minor;
            features.currency = currency;
        })
    };
    let found = history([paid(1_000, "USD"), paid(4_000, "USD"), paid(900_000, "JPY")]);
    assert_eq!((found.comparable, found.largest_minor, found.mean_minor), (2, 4_000, 2_500));
    assert_eq!(found.orders, 3);
}

#[test]
fn a_country_is_new_only_when_others_are_known() {
    let to = |country: Option<&str>| {
        let country = country.map(str::to_owned);
        with(before(Duration::days(2)), |features| features.country = country)
    };
    assert!(!history([]).new_country);
    assert!(!history([to(None)]).new_country);
    assert!(history([to(Some("DE")), to(None)]).new_country);
    assert!(!history([to(Some("DE")), to(Some("US"))]).new_country);
    let nowhere = Features { country: None, ..known() };
    assert!(!memory([to(Some("DE"))]).history(ORDER, &nowhere).new_country);
}

#[test]
fn orders_of_one_batch_see_each_other_and_what_has_just_become_of_them() {
    let mut memory = Memory::default();
    let mut state = State { placed: Some(known()), ..State::default() };
    memory.absorb(id(5), &State::default());
    memory.absorb(id(5), &state);
    assert_eq!(memory.history(ORDER, &known()).orders_in_an_hour, 1);
    state.happened.payment_failed = true;
    memory.absorb(id(5), &state);
    let found = memory.history(ORDER, &known());
    assert_eq!((found.orders_in_an_hour, found.failed_in_a_day), (1, 1));
}

#[test]
fn only_the_newest_hundred_orders_and_twenty_others_are_looked_at_however_many_are_remembered() {
    let hers =
        (0..150).map(|n| with(before(Duration::minutes(n)), |features| features.total_minor = 1_000 + n));
    let found = history(hers);
    assert_eq!((found.orders, found.largest_minor), (100, 1_099), "the newest");
    let others = (0..50).map(|n| {
        with(before(Duration::minutes(n)), |features| features.customer = Some(customer(&format!("c{n}"))))
    });
    let found = history(others);
    assert_eq!((found.others_on_device, found.others_at_ip, found.others_with_token), (20, 20, 20));
}

#[test]
fn what_the_limits_leave_is_beyond_the_last_step_of_every_rule() {
    for rule in ai_domain::RULES.iter().filter(|rule| rule.code.starts_with("shared_")) {
        let last = rule.steps.table().iter().map(|(limit, _)| *limit).max().unwrap();
        assert!(last < i64::try_from(Memory::OTHERS_MAX).unwrap(), "{}", rule.code);
    }
    for code in ["orders_in_an_hour", "orders_in_a_day", "failed_payments", "many_instruments", "good_orders"]
    {
        let rule = ai_domain::RULES.iter().find(|rule| rule.code == code).unwrap();
        let last = rule.steps.table().iter().map(|(limit, _)| *limit).max().unwrap();
        assert!(last < i64::try_from(Memory::CUSTOMER_ORDERS_MAX).unwrap(), "{code}");
    }
}

#[test]
fn an_unknown_customer_has_no_history() {
    let nobody = Features { customer: None, ..known() };
    let found = memory([before(Duration::hours(1))]).history(ORDER, &nobody);
    assert_eq!(found.orders, 0);
    assert_eq!(found.others_on_device, 1, "but somebody was on this device");
}

//! The scorecard, rule by rule and as a whole.

use ai_domain::{Assessment, Features, History, RULES, Scorecard, Steps, Thresholds, fingerprint};
use chrono::Duration;
use shared_events::events::fraud::Verdict;

use crate::world::*;

fn assess(features: &Features, history: &History) -> Assessment {
    Scorecard::default().assess(features, history, now())
}

/// What one rule brings.
fn points(code: &str, features: &Features, history: &History) -> i64 {
    assert!(RULES.iter().any(|rule| rule.code == code), "there is no rule {code}");
    let assessment = assess(features, history);
    assessment.reasons.iter().find(|reason| reason.code == code).map_or(0, |reason| reason.points)
}

fn of_history(code: &str, table: &[(i64, i64)], with: impl Fn(&mut History, i64)) {
    for (figure, expected) in table {
        let mut history = quiet();
        with(&mut history, *figure);
        assert_eq!(points(code, &known(), &history), *expected, "{code} at {figure}");
    }
}

#[test]
fn every_rule_about_the_past_counts_its_figure() {
    let steps: &[(i64, i64)] = &[(0, 0), (1, 0), (2, 8), (3, 16), (4, 26), (5, 34), (6, 40), (60, 40)];
    of_history("failed_payments", steps, |history, n| history.failed_in_a_day = n);
    let steps = &[(0, 0), (1, 0), (2, 0), (3, 10), (4, 18), (5, 25), (50, 25)];
    of_history("many_instruments", steps, |history, n| history.instruments_in_a_day = n);
    let steps = &[(0, 0), (1, 12), (2, 20), (3, 30), (50, 30)];
    of_history("shared_instrument", steps, |history, n| history.others_with_token = n);
    let steps = &[(0, 0), (1, 4), (2, 10), (3, 18), (4, 18), (5, 25), (50, 25)];
    of_history("shared_device", steps, |history, n| history.others_on_device = n);
    let steps = &[(2, 0), (3, 4), (5, 4), (6, 8), (9, 8), (10, 12), (50, 12)];
    of_history("shared_ip", steps, |history, n| history.others_at_ip = n);
    // The new order itself counts.
    let steps = &[(0, 0), (3, 0), (4, 4), (8, 4), (9, 8), (18, 8), (19, 10), (99, 10)];
    of_history("orders_in_an_hour", steps, |history, n| history.orders_in_an_hour = n);
    let steps = &[(0, 0), (8, 0), (9, 3), (28, 3), (29, 6), (99, 6)];
    of_history("orders_in_a_day", steps, |history, n| history.orders_in_a_day = n);
    let steps = &[(0, 4), (1, 0), (9, 0)];
    of_history("no_confirmed_order", steps, |history, n| history.confirmed = n);
    let steps = &[(0, 0), (1, -3), (2, -6), (3, -9), (4, -12), (5, -12), (6, -16), (8, -20), (99, -20)];
    of_history("good_orders", steps, |history, n| history.confirmed = n);
    of_history("new_country", &[(0, 0), (1, 6)], |history, n| history.new_country = n == 1);
}

#[test]
fn a_delivered_order_counts_twice() {
    let history = History { confirmed: 2, delivered: 2, ..quiet() };
    assert_eq!(points("good_orders", &known(), &history), -12);
}

#[test]
fn what_is_not_known_is_never_compared() {
    let history = History { others_on_device: 9, others_at_ip: 90, others_with_token: 9, ..quiet() };
    let unknown = Features { device: None, ip: None, token: None, ..known() };
    for code in ["shared_device", "shared_ip", "shared_instrument"] {
        assert_eq!(points(code, &unknown, &history), 0, "{code}");
    }
}

#[test]
fn large_totals_count_by_their_size() {
    for (minor, expected) in [
        (0, 0),
        (49_999, 0),
        (50_000, 4),
        (99_999, 4),
        (100_000, 8),
        (250_000, 14),
        (500_000, 18),
        (i64::MAX, 18),
    ] {
        let features = Features { total_minor: minor, ..known() };
        assert_eq!(points("large_amount", &features, &quiet()), expected, "{minor}");
    }
}

#[test]
fn an_unusual_total_is_measured_by_the_customers_largest() {
    let history = History { comparable: 3, largest_minor: 10_000, mean_minor: 5_000, ..quiet() };
    for (minor, expected) in [(19_999, 0), (20_000, 6), (29_999, 6), (30_000, 12), (i64::MAX, 12)] {
        let features = Features { total_minor: minor, ..known() };
        assert_eq!(points("unusual_amount", &features, &history), expected, "{minor}");
    }
    let small = Features { total_minor: 9_999, ..known() };
    let cheap = History { largest_minor: 100, ..history.clone() };
    assert_eq!(points("unusual_amount", &small, &cheap), 0, "small change");
    let large = Features { total_minor: 90_000, ..known() };
    for few in [
        History { comparable: 2, ..history.clone() },
        History { largest_minor: 0, ..history.clone() },
        quiet(),
    ] {
        assert_eq!(points("unusual_amount", &large, &few), 0, "nothing to compare with");
    }
}

#[test]
fn a_young_account_counts_by_its_age_when_the_order_was_placed() {
    for (age, expected) in [
        (Duration::zero(), 10),
        (Duration::hours(23), 10),
        (Duration::days(1), 6),
        (Duration::days(6), 6),
        (Duration::days(7), 3),
        (Duration::days(29), 3),
        (Duration::days(30), 0),
        (Duration::days(9_000), 0),
        (-Duration::days(3), 10),
    ] {
        let features = Features { account_opened: Some(now() - age), ..known() };
        assert_eq!(points("new_account", &features, &quiet()), expected, "{age}");
    }
    let unknown = Features { account_opened: None, ..known() };
    assert_eq!(points("new_account", &unknown, &quiet()), 0);
}

#[test]
fn a_throw_away_address_and_missing_facts_count() {
    let disposable = Features { disposable_mail: Some(true), ..known() };
    assert_eq!(points("disposable_email", &disposable, &quiet()), 15);
    assert_eq!(points("disposable_email", &known(), &quiet()), 0);
    let one = Features { ip: None, ..known() };
    let two = Features { device: None, ..one.clone() };
    let three = Features { disposable_mail: None, ..two.clone() };
    let four = Features { account_opened: None, ..three.clone() };
    for (features, expected) in [(&known(), 0), (&one, 1), (&two, 3), (&three, 4), (&four, 6)] {
        assert_eq!(points("missing_facts", features, &quiet()), expected);
    }
}

#[test]
fn the_score_is_the_sum_cut_to_its_range_and_the_reasons_add_up_to_it() {
    let calm = assess(&known(), &History { confirmed: 20, ..quiet() });
    assert_eq!((calm.score, calm.verdict), (0, Verdict::Approve));
    let stranger = assess(&known(), &History::default());
    assert_eq!((stranger.score, stranger.reasons.len()), (4, 1));
    let worst = History {
        failed_in_a_day: 9,
        instruments_in_a_day: 9,
        others_on_device: 9,
        others_with_token: 9,
        orders_in_an_hour: 30,
        orders_in_a_day: 30,
        ..History::default()
    };
    let worst = assess(&known(), &worst);
    assert_eq!((worst.score, worst.verdict), (100, Verdict::Reject));
    let some =
        assess(&Features { total_minor: 120_000, ..known() }, &History { failed_in_a_day: 3, ..quiet() });
    let sum: i64 = some.reasons.iter().map(|reason| reason.points).sum();
    assert_eq!((i64::from(some.score), sum), (21, 21));
}

#[test]
fn reasons_are_sentences_with_figures_the_heaviest_first() {
    let features = Features { total_minor: 120_000, ip: None, ..known() };
    let history = History {
        failed_in_a_day: 3,
        others_on_device: 1,
        comparable: 4,
        largest_minor: 48_000,
        mean_minor: 30_050,
        confirmed: 2,
        delivered: 1,
        ..quiet()
    };
    let expected = [
        "3 payments of this customer were declined within 24 hours.",
        "The total of 1200.00 USD is large.",
        "The total is 2.5 times this customer's largest of 4 orders in 30 days, which was 480.00 USD (mean 300.50 USD).",
        "1 other customer ordered from the same device within 7 days.",
        "1 of 4 facts are missing: internet address.",
        "2 orders of this customer were confirmed in the last 30 days, 1 of them delivered.",
    ];
    assert_eq!(assess(&features, &history).sentences(), expected);
    for rule in RULES {
        let facts = ai_domain::Facts { features: &features, history: &history };
        let sentence = (rule.sentence)(&facts, 7);
        let figure = sentence.chars().any(|character| character.is_ascii_digit());
        assert!(figure && sentence.ends_with('.'), "{}: {sentence}", rule.code);
    }
}

#[test]
fn an_order_without_any_reason_still_says_so() {
    let history = History { confirmed: 0, ..quiet() };
    let mut assessment = assess(&known(), &history);
    assessment.reasons.clear();
    assert_eq!(assessment.sentences(), ["Nothing speaks against this order."]);
}

#[test]
fn the_verdict_changes_exactly_at_the_thresholds() {
    let thresholds = Thresholds::default();
    for (score, verdict) in [
        (0, Verdict::Approve),
        (59, Verdict::Approve),
        (60, Verdict::Review),
        (84, Verdict::Review),
        (85, Verdict::Reject),
        (100, Verdict::Reject),
    ] {
        assert_eq!(thresholds.verdict(score), verdict, "{score}");
    }
    let no_reviews = Thresholds { review: 70, reject: 70 };
    assert_eq!((no_reviews.verdict(69), no_reviews.verdict(70)), (Verdict::Approve, Verdict::Reject));
}

#[test]
fn card_testing_on_a_new_account_is_rejected_and_half_of_it_is_reviewed() {
    let stranger = Features { account_opened: Some(now() - Duration::hours(1)), ..known() };
    let attempts = |count: u8, instruments: u8| {
        memory((0..count).map(|number| {
            let mut past = before(Duration::minutes(i64::from(number) + 1));
            past.happened.payment_failed = true;
            let card = fingerprint("card", &(number % instruments).to_string());
            past.features.token = None;
            past.features.instrument = Some(card);
            past
        }))
    };
    let hostile = Features { total_minor: 180_000, ..stranger.clone() };
    let judged = assess(&hostile, &attempts(6, 5).history(ORDER, &hostile));
    assert_eq!(judged.verdict, Verdict::Reject, "{judged:#?}");
    let middling = Features { total_minor: 100_000, ..stranger };
    let judged = assess(&middling, &attempts(4, 2).history(ORDER, &middling));
    assert_eq!(judged.verdict, Verdict::Review, "{judged:#?}");
}

#[test]
fn a_busy_customer_with_a_bad_day_is_approved() {
    // The seed systems' scripts: one customer, no facts, a fifth of the payments fails.
    let pasts = (0..200).map(|number| {
        let mut past = before(Duration::seconds(number));
        past.happened.payment_failed = number % 5 == 0;
        past.happened.confirmed = number % 5 != 0;
        past.features = Features {
            customer: past.features.customer,
            ..Features::bare(2_500, past.features.currency, past.features.placed_at)
        };
        past
    });
    let order =
        Features { customer: Some(customer("ada")), ..Features::bare(2_500, known().currency, now()) };
    let judged = assess(&order, &memory(pasts).history(ORDER, &order));
    assert_eq!(judged.verdict, Verdict::Approve, "{judged:#?}");
    // Not one of them has succeeded yet.
    let pasts = (0..6).map(|number| {
        let mut past = before(Duration::seconds(number));
        past.happened.payment_failed = true;
        past.features.instrument = None;
        past
    });
    let order = Features { instrument: None, token: None, ..order };
    let judged = assess(&order, &memory(pasts).history(ORDER, &order));
    assert_eq!(judged.verdict, Verdict::Approve, "{judged:#?}");
}

#[test]
fn the_known_share_counts_the_inputs_that_were_there() {
    assert_eq!(assess(&known(), &quiet()).known_percent, 100);
    assert_eq!(assess(&known(), &History::default()).known_percent, 87);
    let bare = Features::bare(100, known().currency, now());
    assert_eq!(assess(&bare, &History::default()).known_percent, 0);
}

#[test]
fn the_table_of_rules_is_sound() {
    let mut codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), RULES.len());
    for rule in RULES {
        let table = rule.steps.table();
        assert!(!table.is_empty() && table.is_sorted_by_key(|(limit, _)| *limit), "{}", rule.code);
        // More of the same never weighs less; only the youngest accounts weigh most.
        let heavier = match rule.steps {
            Steps::From(_) => table.is_sorted_by_key(|(_, points)| points.abs()),
            Steps::Below(_) => table.is_sorted_by_key(|(_, points)| -points),
        };
        assert!(heavier, "{}", rule.code);
    }
}

//! Properties: of every score, and of every history, however absurd.

use ai_domain::{Features, History, Input, Policy, ReviewStatus, Scorecard, State};
use chrono::Duration;
use proptest::prelude::*;
use shared_events::{
    EventType, Outcome, Service, TimerChange,
    events::{fraud::Ruling, order::OrderOutcome},
};

use crate::world::*;

fn any_history() -> impl Strategy<Value = History> {
    let count = || prop_oneof![4 => 0..12_i64, 1 => 0..1_000_i64];
    (
        (count(), count(), count(), count(), count()),
        (count(), count(), count()),
        (count(), count(), count(), 0..i64::MAX, 0..i64::MAX),
        any::<bool>(),
    )
        .prop_map(|(own, others, usual, new_country)| History {
            orders: own.0,
            orders_in_an_hour: own.1,
            orders_in_a_day: own.2,
            failed_in_a_day: own.3,
            instruments_in_a_day: own.4,
            others_on_device: others.0,
            others_at_ip: others.1,
            others_with_token: others.2,
            confirmed: usual.0,
            delivered: usual.1,
            comparable: usual.2,
            largest_minor: usual.3,
            mean_minor: usual.4,
            new_country,
        })
}

fn any_features() -> impl Strategy<Value = Features> {
    let total = prop_oneof![0..1_000_000_i64, 0..=i64::MAX];
    let days = -400..4_000_i64;
    (total, proptest::option::of(days), proptest::option::of(any::<bool>()), any::<[bool; 4]>()).prop_map(
        |(total_minor, days, disposable_mail, [device, ip, token, country])| {
            let known = known();
            Features {
                total_minor,
                account_opened: days.map(|days| now() - Duration::days(days)),
                disposable_mail,
                device: known.device.filter(|_| device),
                ip: known.ip.filter(|_| ip),
                token: known.token.filter(|_| token),
                country: known.country.clone().filter(|_| country),
                ..known
            }
        },
    )
}

fn score(features: &Features, history: &History) -> u8 {
    Scorecard::default().assess(features, history, now()).score
}

/// Every input there is that changes what is remembered.
fn any_fact() -> impl Strategy<Value = Input> {
    prop::sample::select(vec![
        said(placed()),
        declined(),
        failed("gateway_timeout"),
        heard(EventType::OrderConfirmed),
        heard(EventType::OrderCancelled),
        heard(EventType::OrderFailed),
        ended(OrderOutcome::Delivered),
        ended(OrderOutcome::Failed),
    ])
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => any_fact(),
        2 => prop::sample::select(vec![ruled(Ruling::Approve), ruled(Ruling::Reject), DEADLINE]),
        1 => prop::sample::select(EventType::ALL.to_vec()).prop_map(heard),
    ]
}

/// What a history has shown so far.
#[derive(Default)]
struct Seen {
    armed: bool,
    assessed: u32,
    reviewed: u32,
}

fn holds(policy: &Policy, inputs: &[Input]) {
    let (mut state, mut seen) = (State::default(), Seen::default());
    for input in inputs {
        // A timer that is not armed cannot fire; one that fires is armed no more.
        if *input == DEADLINE && !std::mem::take(&mut seen.armed) {
            continue;
        }
        let decision = step(policy, &state, input);
        for change in &decision.timers {
            seen.armed = matches!(change, TimerChange::Arm(..));
        }
        assert!(!decision.note.is_empty(), "{input:?} in {state:?} is not explained");
        if decision.outcome == Outcome::Ignored {
            assert_eq!(decision.state, state);
            assert!(decision.emit.is_empty() && decision.timers.is_empty());
        }
        if let Some(assessment) = &state.assessment {
            assert_eq!(decision.state.assessment.as_ref(), Some(assessment), "a score was changed");
        }
        if let Some(given) = state.review.as_ref().and_then(|review| review.decision.as_ref()) {
            let now = decision.state.review.as_ref().and_then(|review| review.decision.as_ref());
            assert_eq!(now, Some(given), "a decision was changed");
        }
        for event_type in types(&decision) {
            let counter =
                if event_type == EventType::FraudAssessed { &mut seen.assessed } else { &mut seen.reviewed };
            *counter += 1;
            assert!(event_type.producer() == Service::Ai, "{event_type} is not ours to say");
        }
        state = decision.state;
        let open = state.review.as_ref().is_some_and(|review| review.status == ReviewStatus::Open);
        assert_eq!(seen.armed, open, "an open review, and no other, has a deadline");
        assert!(!(open && state.happened.died), "nobody has to decide about the dead");
        assert_eq!(seen.assessed, u32::from(state.assessment.is_some()));
        let decided = state.review.as_ref().is_some_and(|review| review.decision.is_some());
        assert_eq!(seen.reviewed, u32::from(decided));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_score_lies_in_its_range_and_has_a_reason(features in any_features(), history in any_history()) {
        let assessment = Scorecard::default().assess(&features, &history, now());
        prop_assert!(assessment.score <= 100 && assessment.known_percent <= 100);
        let sum: i64 = assessment.reasons.iter().map(|reason| reason.points).sum();
        prop_assert_eq!(i64::from(assessment.score), sum.clamp(0, 100));
        prop_assert!(assessment.reasons.is_sorted_by_key(|reason| -reason.points));
        prop_assert!(!assessment.sentences().is_empty());
    }

    #[test]
    fn more_of_what_speaks_against_an_order_never_lowers_its_score(
        features in any_features(), history in any_history(), more in 1..50_i64
    ) {
        let before = score(&features, &history);
        let grow: [fn(&mut History) -> &mut i64; 7] = [
            |history| &mut history.failed_in_a_day,
            |history| &mut history.instruments_in_a_day,
            |history| &mut history.orders_in_an_hour,
            |history| &mut history.orders_in_a_day,
            |history| &mut history.others_on_device,
            |history| &mut history.others_at_ip,
            |history| &mut history.others_with_token,
        ];
        for figure in grow {
            let mut worse = history.clone();
            *figure(&mut worse) += more;
            prop_assert!(score(&features, &worse) >= before);
        }
        let larger = Features { total_minor: features.total_minor.saturating_add(more * 10_000), ..features.clone() };
        prop_assert!(score(&larger, &history) >= before);
        let mut better = history.clone();
        better.confirmed += more;
        prop_assert!(score(&features, &better) <= before);
    }

    #[test]
    fn velocity_alone_is_never_more_than_approved(orders in 0..100_000_i64) {
        let history = History { orders, orders_in_an_hour: orders, orders_in_a_day: orders, ..History::default() };
        let busy = score(&known(), &history);
        prop_assert!(busy < 60);
    }

    #[test]
    fn the_order_of_events_does_not_matter_for_what_is_remembered(
        inputs in prop::collection::vec(any_fact(), 0..10),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let mut other = inputs.clone();
        let middle = if other.is_empty() { 0 } else { shuffled.index(other.len()) };
        other.rotate_left(middle);
        let (head, _) = other.split_at_mut(middle);
        head.reverse();
        for policy in [Policy::default(), suspicious()] {
            prop_assert_eq!(after(&policy, &inputs), after(&policy, &other));
        }
    }

    #[test]
    fn every_history_keeps_the_promises(inputs in prop::collection::vec(any_input(), 0..20)) {
        for policy in [Policy::default(), suspicious(), thresholds(0, 0)] {
            holds(&policy, &inputs);
        }
    }
}

//! The life of an assessment: scored once, reviewed by a person or the deadline, closed by death.

use std::time::Duration;

use ai_domain::{Closing, Happened, Input, Policy, ReviewStatus, ReviewTimer, State, answers, handles, rule};
use shared_events::{
    Event, EventType, Outcome, Service, TimerChange,
    events::{
        fraud::{Ruling, Verdict},
        order::OrderOutcome,
    },
};

use crate::world::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn under_review() -> State {
    after(&suspicious(), &[said(placed())])
}

fn decided(verdict: Ruling) -> State {
    after(&suspicious(), &[said(placed()), ruled(verdict)])
}

fn status(state: &State) -> Option<ReviewStatus> {
    state.review.as_ref().map(|review| review.status)
}

#[test]
fn it_handles_what_the_catalogue_gives_it() {
    for event_type in EventType::ALL {
        assert_eq!(handles(*event_type), event_type.entry().is_consumed_by(Service::Ai), "{event_type}");
    }
}

#[test]
fn a_placed_order_is_assessed_and_the_verdict_follows_from_the_thresholds() {
    for (policy, verdict, outcome) in [
        (Policy::default(), Verdict::Approve, Outcome::Completed),
        (suspicious(), Verdict::Review, Outcome::Started),
        (thresholds(0, 0), Verdict::Reject, Outcome::Failed),
    ] {
        let decision = step(&policy, &State::default(), &said(placed()));
        let [Event::FraudAssessed(said)] = decision.emit.as_slice() else { panic!("{decision:?}") };
        let assessment = decision.state.assessment.as_ref().unwrap();
        assert_eq!((said.verdict, assessment.verdict, decision.outcome), (verdict, verdict, outcome));
        assert_eq!((said.score, &said.reasons), (assessment.score, &assessment.sentences()));
        assert_eq!(said.model_version, "scorecard-1");
        let waits = verdict == Verdict::Review;
        assert_eq!(said.review_until, waits.then(|| now() + DAY));
        assert_eq!(status(&decision.state), waits.then_some(ReviewStatus::Open));
        let armed = if waits { vec![TimerChange::Arm(ReviewTimer::Review, DAY)] } else { vec![] };
        assert_eq!(decision.timers, armed);
    }
}

#[test]
fn a_score_is_never_changed_not_even_by_another_model() {
    let first = after(&Policy::default(), &[said(placed())]);
    let mut newer = thresholds(0, 0);
    newer.scorecard.version = "scorecard-2".to_owned();
    let again = step(&newer, &first, &said(placed()));
    assert_eq!((again.outcome, &again.state), (Outcome::Ignored, &first));
    assert!(again.emit.is_empty() && again.timers.is_empty());
    assert_eq!(first.assessment.as_ref().unwrap().model_version, "scorecard-1");
}

#[test]
fn a_person_decides_an_open_review() {
    for (verdict, outcome) in [(Ruling::Approve, Outcome::Completed), (Ruling::Reject, Outcome::Failed)] {
        let decision = step(&suspicious(), &under_review(), &ruled(verdict));
        let [Event::FraudReviewed(said)] = decision.emit.as_slice() else { panic!("{decision:?}") };
        assert_eq!((said.verdict, said.decided_by.as_str()), (verdict, "dana"));
        assert_eq!(decision.outcome, outcome);
        assert_eq!(decision.timers, [TimerChange::Disarm(ReviewTimer::Review)]);
        let review = decision.state.review.unwrap();
        let stored = review.decision.unwrap();
        assert_eq!(
            (review.status, stored.verdict, stored.decided_at),
            (ReviewStatus::Decided, verdict, now())
        );
    }
}

#[test]
fn the_deadline_decides_what_nobody_did() {
    for verdict in [Ruling::Approve, Ruling::Reject] {
        let policy = Policy { deadline_verdict: verdict, ..suspicious() };
        let decision = step(&policy, &under_review(), &DEADLINE);
        let [Event::FraudReviewed(said)] = decision.emit.as_slice() else { panic!("{decision:?}") };
        assert_eq!((said.verdict, said.decided_by.as_str()), (verdict, "deadline"));
        assert_eq!(status(&decision.state), Some(ReviewStatus::Decided));
    }
    assert_eq!(Policy::default().deadline_verdict, Ruling::Reject);
    for state in [State::default(), decided(Ruling::Approve), after(&Policy::default(), &[said(placed())])] {
        let decision = step(&suspicious(), &state, &DEADLINE);
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &state));
        assert!(decision.emit.is_empty());
    }
}

#[test]
fn only_an_open_review_can_be_decided_and_the_same_decision_twice_is_once() {
    let command = |verdict| match ruled(verdict) {
        Input::Review(command) => command,
        Input::Event(_) | Input::Timer(_) => panic!("not a command"),
    };
    let closed = after(&suspicious(), &[said(placed()), heard(EventType::OrderFailed)]);
    for (state, verdict, code) in [
        (State::default(), Ruling::Approve, "not_under_review"),
        (after(&Policy::default(), &[said(placed())]), Ruling::Approve, "not_under_review"),
        (closed.clone(), Ruling::Approve, "review_closed"),
        (decided(Ruling::Reject), Ruling::Approve, "already_decided"),
        (decided(Ruling::Approve), Ruling::Reject, "already_decided"),
    ] {
        assert_eq!(rule(&state, &command(verdict), now()).unwrap_err().code, code);
        // As an input of `decide`, which is total, it changes nothing.
        let ignored = step(&suspicious(), &state, &ruled(verdict));
        assert_eq!((ignored.outcome, &ignored.state), (Outcome::Ignored, &state));
    }
    let first = decided(Ruling::Reject);
    let again = rule(&first, &command(Ruling::Reject), now()).unwrap();
    assert_eq!((&again.state, again.emit.len(), again.outcome), (&first, 0, Outcome::Ignored));
}

#[test]
fn an_order_that_died_closes_its_review_without_a_word() {
    for death in [
        heard(EventType::OrderCancelled),
        heard(EventType::OrderFailed),
        ended(OrderOutcome::Failed),
        ended(OrderOutcome::Cancelled),
    ] {
        let decision = step(&suspicious(), &under_review(), &death);
        assert_eq!(status(&decision.state), Some(ReviewStatus::Closed));
        assert_eq!(decision.timers, [TimerChange::Disarm(ReviewTimer::Review)]);
        assert!(decision.emit.is_empty());
        // A decision that was given stays.
        let after_decision = step(&suspicious(), &decided(Ruling::Approve), &death);
        assert_eq!(status(&after_decision.state), Some(ReviewStatus::Decided));
    }
}

/// Under review, and charged: payment did not wait, or not long enough.
fn charged() -> Vec<State> {
    let (confirmed, delivered) = (heard(EventType::OrderConfirmed), ended(OrderOutcome::Delivered));
    [
        vec![said(placed()), confirmed.clone()],
        vec![said(placed()), confirmed.clone(), delivered.clone()],
        vec![said(placed()), delivered],
        // Overtaken: it was confirmed before it was scored.
        vec![confirmed, said(placed())],
    ]
    .map(|inputs| after(&suspicious(), &inputs))
    .into()
}

#[test]
fn the_review_of_a_charged_order_stays_open_until_its_deadline_closes_it_without_a_verdict() {
    for (verdict, state) in [Ruling::Approve, Ruling::Reject].into_iter().zip([charged(), charged()]) {
        for state in state {
            assert_eq!(status(&state), Some(ReviewStatus::Open));
            let policy = Policy { deadline_verdict: verdict, ..suspicious() };
            let decision = step(&policy, &state, &DEADLINE);
            assert!(decision.emit.is_empty(), "{decision:?}");
            let review = decision.state.review.as_ref().unwrap();
            assert_eq!((review.status, &review.decision), (ReviewStatus::Closed, &None));
            assert_eq!(review.closed_because, Some(Closing::OrderConfirmed));
            assert_eq!(answers(&decision.state, EventType::OrderPlaced), [EventType::FraudAssessed]);
            let Input::Review(command) = ruled(Ruling::Reject) else { panic!("not a command") };
            let refused = rule(&decision.state, &command, now()).unwrap_err();
            assert_eq!(refused.code, "review_closed");
            assert!(refused.detail.contains("confirmed"), "{}", refused.detail);
            // What becomes of the order afterwards does not change why.
            let dead = step(&suspicious(), &decision.state, &heard(EventType::OrderCancelled)).state;
            assert_eq!(dead.review.unwrap().closed_because, Some(Closing::OrderConfirmed));
        }
    }
}

#[test]
fn confirmation_leaves_a_review_and_its_deadline_as_they_are() {
    let decision = step(&suspicious(), &under_review(), &heard(EventType::OrderConfirmed));
    assert_eq!((status(&decision.state), decision.outcome), (Some(ReviewStatus::Open), Outcome::Completed));
    assert!(decision.timers.is_empty() && decision.emit.is_empty());
}

#[test]
fn a_persons_decision_about_a_charged_order_is_recorded_and_said() {
    for state in charged() {
        for verdict in [Ruling::Approve, Ruling::Reject] {
            let decision = step(&suspicious(), &state, &ruled(verdict));
            assert_eq!(types(&decision), [EventType::FraudReviewed]);
            assert_eq!(decision.timers, [TimerChange::Disarm(ReviewTimer::Review)]);
            assert_eq!(status(&decision.state), Some(ReviewStatus::Decided));
        }
    }
}

#[test]
fn a_charged_order_that_dies_closes_its_review_because_it_died() {
    for state in charged() {
        let decision = step(&suspicious(), &state, &heard(EventType::OrderCancelled));
        assert_eq!(decision.state.review.unwrap().closed_because, Some(Closing::OrderDied));
        assert_eq!(decision.timers, [TimerChange::Disarm(ReviewTimer::Review)]);
    }
}

#[test]
fn an_order_that_died_before_it_was_scored_is_scored_and_not_reviewed() {
    let dead = after(&suspicious(), &[heard(EventType::OrderFailed)]);
    let decision = step(&suspicious(), &dead, &said(placed()));
    assert_eq!(types(&decision), [EventType::FraudAssessed]);
    assert_eq!(status(&decision.state), Some(ReviewStatus::Closed));
    assert!(decision.timers.is_empty());
}

#[test]
fn what_becomes_of_an_order_is_remembered_also_before_it_was_placed() {
    for (input, happened) in [
        (declined(), Happened { payment_failed: true, ..Happened::default() }),
        (failed("insufficient_funds"), Happened { payment_failed: true, ..Happened::default() }),
        (heard(EventType::OrderConfirmed), Happened { confirmed: true, ..Happened::default() }),
        (heard(EventType::OrderFailed), Happened { died: true, ..Happened::default() }),
        (heard(EventType::OrderCancelled), Happened { died: true, ..Happened::default() }),
        (ended(OrderOutcome::Failed), Happened { died: true, ..Happened::default() }),
        (ended(OrderOutcome::Cancelled), Happened { died: true, ..Happened::default() }),
        (ended(OrderOutcome::Delivered), Happened { delivered: true, ..Happened::default() }),
    ] {
        let first = step(&Policy::default(), &State::default(), &input);
        assert_eq!((first.state.happened, first.outcome), (happened, Outcome::Completed), "{input:?}");
        assert!(first.emit.is_empty());
        let placed = step(&Policy::default(), &first.state, &said(placed()));
        assert_eq!(placed.state.happened, happened);
        let again = step(&Policy::default(), &placed.state, &input);
        assert_eq!((&again.state, again.outcome), (&placed.state, Outcome::Ignored));
    }
}

#[test]
fn a_failure_that_is_not_the_customers_is_not_counted() {
    for code in ["gateway_timeout", "gateway_unavailable", "fraud_rejected", "fraud_unavailable"] {
        let decision = step(&Policy::default(), &State::default(), &failed(code));
        assert_eq!((decision.state, decision.outcome), (State::default(), Outcome::Ignored), "{code}");
    }
}

#[test]
fn a_resend_of_the_order_is_answered_with_the_assessment_and_what_a_review_ended_with() {
    use EventType::{FraudAssessed, FraudReviewed, OrderPlaced};
    let closed = after(&suspicious(), &[said(placed()), heard(EventType::OrderFailed)]);
    for (state, expected) in [
        (State::default(), vec![]),
        (after(&Policy::default(), &[declined()]), vec![]),
        (after(&Policy::default(), &[said(placed())]), vec![FraudAssessed]),
        (under_review(), vec![FraudAssessed]),
        (closed, vec![FraudAssessed]),
        (decided(Ruling::Approve), vec![FraudAssessed, FraudReviewed]),
    ] {
        assert_eq!(answers(&state, OrderPlaced), expected);
        for other in EventType::ALL.iter().filter(|other| **other != OrderPlaced) {
            assert!(answers(&state, *other).is_empty(), "{other}");
        }
    }
}

#[test]
fn a_time_scale_shortens_the_review() {
    let scaled = Policy::default().scaled(60);
    assert_eq!(scaled.review_for, Duration::from_secs(24 * 60));
    assert_eq!(Policy::default().scaled(0), Policy::default());
}

#[test]
fn a_document_of_an_earlier_release_stays_readable() {
    let known = after(&suspicious(), &[said(placed()), declined(), ruled(Ruling::Approve)]);
    let mut document = serde_json::to_value(&known).unwrap();
    assert_eq!(serde_json::from_value::<State>(document.clone()).unwrap(), known);
    document["unheard_of"] = 1.into();
    document["happened"].as_object_mut().unwrap().remove("delivered");
    assert_eq!(serde_json::from_value::<State>(document).unwrap(), known);
    assert_eq!(serde_json::from_str::<State>("{}").unwrap(), State::default());
}

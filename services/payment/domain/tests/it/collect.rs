//! Rule 9 and the three facts that come before a charge.

use payment_domain::{
    Effect, FraudFallback, Input, Opinion, PaymentDecision, PaymentTimer, Policy, State, Status, decide,
};
use shared_events::{
    Currency, Event, EventType, Money,
    events::{
        fraud::{Ruling, Verdict},
        payment::{PaymentFailed, PaymentRequested},
    },
};

use crate::support::*;

fn steps(policy: &Policy, inputs: &[Input]) -> PaymentDecision {
    let (last, before) = inputs.split_last().unwrap();
    let state =
        before.iter().fold(State::default(), |state, input| decide(policy, &state, input, at()).state);
    decide(policy, &state, last, at())
}

fn order() -> Input {
    event(EventType::OrderPlaced)
}

fn stock() -> Input {
    event(EventType::InventoryReserved)
}

#[track_caller]
fn assert_charges(decision: &PaymentDecision, assessed: bool) {
    assert_eq!(decision.state.status, Status::Charging);
    let requested = PaymentRequested {
        amount_minor: TOTAL,
        currency: Currency::USD,
        method: "credit_card".to_owned(),
        assessed,
    };
    assert_eq!(decision.emit, [Event::PaymentRequested(requested)]);
    let charge = Effect::Charge {
        amount: Money::new(TOTAL, Currency::USD),
        method: "credit_card".to_owned(),
        token: Some("tok_ok".to_owned()),
    };
    assert_eq!(decision.effects, [charge]);
    assert_eq!(armed(decision, PaymentTimer::Ask), Some(30_000));
    assert!(disarms(decision, PaymentTimer::Verdict));
}

#[track_caller]
fn assert_waits(decision: &PaymentDecision) {
    assert_eq!(decision.state.status, Status::Collecting);
    assert!(decision.emit.is_empty() && decision.effects.is_empty());
}

#[track_caller]
fn assert_fails(decision: &PaymentDecision, code: &str) {
    assert_eq!(decision.state.status, Status::Failed);
    assert!(
        matches!(&decision.emit[..], [Event::PaymentFailed(PaymentFailed { code: said, .. })] if said == code)
    );
    assert!(decision.effects.is_empty());
    assert!(disarms(decision, PaymentTimer::Verdict));
}

#[test]
fn it_handles_exactly_what_the_catalogue_gives_it() {
    for event_type in EventType::ALL {
        let listed = event_type.entry().is_consumed_by(shared_events::Service::Payment);
        assert_eq!(payment_domain::handles(*event_type), listed, "{event_type}");
    }
}

#[test]
fn events_of_others_are_ignored_in_every_state() {
    for status in Status::ALL {
        for event_type in EventType::ALL.iter().filter(|event_type| !payment_domain::handles(**event_type)) {
            assert_ignored(&in_status(*status), &event(*event_type));
        }
    }
}

#[test]
fn it_charges_when_the_order_and_its_reservation_are_known_in_either_order() {
    assert_waits(&steps(&observe(), &[order()]));
    assert_waits(&steps(&observe(), &[stock()]));
    assert_charges(&steps(&observe(), &[order(), stock()]), true);
    assert_charges(&steps(&observe(), &[stock(), order()]), true);
}

#[test]
fn the_intent_keeps_what_is_charged_and_never_more_of_a_card_than_brand_and_last_four() {
    let state = after(&[order()]);
    let intent = state.intent.unwrap();
    assert_eq!(intent.customer_id, placed().customer_id);
    assert_eq!((intent.amount_minor, intent.currency), (TOTAL, Currency::USD));
    assert_eq!(intent.card_brand.as_deref(), Some("visa"));
    assert_eq!(intent.card_last_four.as_deref(), Some("4242"));
}

#[test]
fn in_observe_mode_a_verdict_is_noted_and_payment_does_not_wait() {
    for (verdict, opinion) in [
        (Verdict::Approve, Opinion::Approve),
        (Verdict::Review, Opinion::Review),
        (Verdict::Reject, Opinion::Reject),
    ] {
        let noted = steps(&observe(), &[assessed(verdict)]);
        assert_waits(&noted);
        assert_eq!(noted.state.fraud, opinion);
        assert_charges(&steps(&observe(), &[order(), assessed(verdict), stock()]), true);
    }
    assert_charges(&steps(&observe(), &[reviewed(Ruling::Reject), order(), stock()]), true);
}

#[test]
fn in_gate_mode_it_waits_two_seconds_for_a_verdict_once_it_could_charge() {
    let one_fact = steps(&gate(), &[order()]);
    assert_eq!(armed(&one_fact, PaymentTimer::Verdict), None, "nothing could be charged yet");
    let both = steps(&gate(), &[order(), stock()]);
    assert_waits(&both);
    assert_eq!(armed(&both, PaymentTimer::Verdict), Some(2_000));
}

#[test]
fn in_gate_mode_an_approval_charges_wherever_it_comes_in_the_sequence() {
    let yes = || assessed(Verdict::Approve);
    assert_charges(&steps(&gate(), &[order(), stock(), yes()]), true);
    assert_charges(&steps(&gate(), &[order(), yes(), stock()]), true);
    assert_charges(&steps(&gate(), &[yes(), stock(), order()]), true);
}

#[test]
fn in_gate_mode_a_rejection_fails_at_once_whatever_else_is_known() {
    let no = || assessed(Verdict::Reject);
    for facts in [vec![], vec![order()], vec![stock()], vec![order(), stock()]] {
        assert_fails(&steps(&gate(), &[facts, vec![no()]].concat()), "fraud_rejected");
    }
    assert_fails(&steps(&gate(), &[order(), stock(), reviewed(Ruling::Reject)]), "fraud_rejected");
}

#[test]
fn a_review_disarms_the_deadline_and_a_person_decides() {
    let review = || assessed(Verdict::Review);
    let waiting = steps(&gate(), &[order(), stock(), review()]);
    assert_waits(&waiting);
    assert!(disarms(&waiting, PaymentTimer::Verdict));
    let late = steps(&gate(), &[order(), stock(), review(), timer(PaymentTimer::Verdict)]);
    assert_eq!(late.outcome, shared_events::Outcome::Ignored);
    assert_waits(&late);
    assert_charges(&steps(&gate(), &[order(), stock(), review(), reviewed(Ruling::Approve)]), true);
    let no = steps(&gate(), &[order(), stock(), review(), reviewed(Ruling::Reject)]);
    assert_fails(&no, "fraud_rejected");
}

#[test]
fn a_review_never_overwrites_a_decision() {
    let yes = || reviewed(Ruling::Approve);
    let overtaken = steps(&gate(), &[order(), yes(), assessed(Verdict::Review)]);
    assert_eq!(overtaken.state.fraud, Opinion::Approve);
    assert_charges(&steps(&gate(), &[order(), yes(), assessed(Verdict::Review), stock()]), true);
    // Nor does the machine's late rejection overrule a person.
    assert_charges(&steps(&gate(), &[order(), yes(), assessed(Verdict::Reject), stock()]), true);
    // A person's word stands above the machine's.
    let no = steps(&gate(), &[order(), assessed(Verdict::Approve), reviewed(Ruling::Reject)]);
    assert_fails(&no, "fraud_rejected");
}

#[test]
fn without_a_verdict_in_time_it_charges_unassessed_or_fails_as_configured() {
    let waited = [order(), stock(), timer(PaymentTimer::Verdict)];
    assert_charges(&steps(&gate(), &waited), false);
    let closed = Policy { fraud_fallback: FraudFallback::FailClosed, ..gate() };
    assert_fails(&steps(&closed, &waited), "fraud_unavailable");
}

#[test]
fn a_payment_that_waited_when_the_mode_became_observe_is_charged_at_its_deadline() {
    let waiting = steps(&gate(), &[order(), stock()]).state;
    assert_charges(&next(&waiting, &timer(PaymentTimer::Verdict)), true);
}

#[test]
fn a_verdict_deadline_means_nothing_before_the_facts_and_after_the_decision() {
    for facts in [vec![], vec![order()], vec![stock()]] {
        let decision = steps(&gate(), &[facts, vec![timer(PaymentTimer::Verdict)]].concat());
        assert_eq!(decision.outcome, shared_events::Outcome::Ignored);
    }
    for status in Status::ALL {
        assert_ignored(&in_status(*status), &timer(PaymentTimer::Verdict));
    }
}

#[test]
fn a_rejection_after_the_charge_began_calls_a_person_in_either_mode_while_money_may_be_kept() {
    use Status::{Captured, Charging, Unknown, Unresolved, Voiding};
    for status in Status::ALL.iter().filter(|status| **status != Status::Collecting) {
        let alive = in_status(*status);
        let dead = State { dead: Some(shared_events::EventType::OrderCancelled), ..alive.clone() };
        let keeps = matches!(status, Charging | Unknown | Voiding | Unresolved | Captured);
        for policy in [observe(), gate()] {
            for input in [assessed(Verdict::Reject), reviewed(Ruling::Reject)] {
                let alarm = |state| decide(&policy, state, &input, at()).alarm;
                assert_eq!(alarm(&alive).is_some(), keeps && alive.dead.is_none(), "{status:?}");
                assert_eq!(alarm(&dead), None, "{status:?}: it goes back anyway");
            }
            for input in [assessed(Verdict::Approve), assessed(Verdict::Review), reviewed(Ruling::Approve)] {
                assert_eq!(decide(&policy, &alive, &input, at()).alarm, None, "{status:?}");
            }
        }
    }
    // Under a gate that could not wait any longer, a person's late word comes too.
    let open = steps(&gate(), &[order(), stock(), timer(PaymentTimer::Verdict), reviewed(Ruling::Reject)]);
    assert!(open.alarm.is_some_and(|alarm| alarm.contains("charging")));
}

#[test]
fn facts_that_come_after_the_charge_began_change_nothing() {
    let late = [
        order(),
        stock(),
        assessed(Verdict::Reject),
        assessed(Verdict::Review),
        reviewed(Ruling::Reject),
        reviewed(Ruling::Approve),
    ];
    for status in Status::ALL.iter().filter(|status| **status != Status::Collecting) {
        for input in &late {
            assert_ignored(&in_status(*status), input);
            let gated = decide(&gate(), &in_status(*status), input, at());
            assert_eq!(gated.state, in_status(*status));
            assert!(gated.emit.is_empty() && gated.effects.is_empty());
        }
    }
}

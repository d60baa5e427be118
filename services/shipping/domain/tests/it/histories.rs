//! Properties of every history, however absurd: random inputs from the first one on.

use std::collections::HashSet;

use proptest::prelude::*;
use shared_events::{EventType, Outcome, Timer as _, TimerChange};
use shipping_domain::{Effect, Input, Reply, ShipmentTimer, State, Status, answers};

use crate::world::*;

/// Every input there is, the four events of ours and the carrier's words more often than the rest.
fn any_input() -> impl Strategy<Value = Input> {
    let ours = [CONFIRMED, CANCEL, EventType::OrderCancelled, EventType::OrderFailed];
    let replies = [booked(), dispatched(), delivered(), refused(), CANCELLED, NEVER_HEARD_OF, no_answer()];
    prop_oneof![
        4 => prop::sample::select(ours.to_vec()).prop_map(said),
        6 => prop::sample::select(replies.to_vec()),
        3 => prop::sample::select(ShipmentTimer::ALL.to_vec()).prop_map(Input::Timer),
        2 => prop::sample::select(vec![DISPATCH, DELIVER]),
        1 => prop::sample::select(EventType::ALL.to_vec()).prop_map(said),
    ]
}

/// What a history has shown so far.
#[derive(Default)]
struct Seen {
    armed: HashSet<ShipmentTimer>,
    said: Vec<EventType>,
    booking_calls: u32,
    cancel_calls: u32,
    cancel_asked: bool,
}

fn holds(inputs: &[Input]) {
    let mut state = State::default();
    let mut seen = Seen::default();
    for input in inputs {
        // A timer that is not armed cannot fire; one that fires is armed no more.
        if let Input::Timer(timer) = input
            && !seen.armed.remove(timer)
        {
            continue;
        }
        seen.cancel_asked |= *input == said(CANCEL);
        let decision = step(&state, input);
        for change in &decision.timers {
            match change {
                TimerChange::Arm(timer, _) => seen.armed.insert(*timer),
                TimerChange::Disarm(timer) => seen.armed.remove(timer),
            };
        }
        assert!(!decision.note.is_empty(), "{input:?} in {state:?} is not explained");
        if state.status.is_final() {
            assert_eq!(decision.state.status, state.status, "a final state moved");
            assert!(decision.effects.is_empty());
        }
        if decision.outcome == Outcome::Ignored {
            assert_eq!(decision.state, state);
            assert!(decision.emit.is_empty() && decision.timers.is_empty() && decision.effects.is_empty());
        }
        check_calls(&decision.effects, &mut seen);
        check_facts(input, &decision, &mut seen);
        state = decision.state;
        check_rest(&state, &seen);
    }
}

fn check_calls(effects: &[Effect], seen: &mut Seen) {
    for effect in effects {
        match effect {
            Effect::Book(_) => {
                assert_eq!(seen.cancel_calls, 0, "booked after a cancel was sent");
                seen.booking_calls += 1;
            }
            Effect::Cancel => seen.cancel_calls += 1,
            Effect::Status => {}
        }
    }
}

/// Rule 16, and that no fact contradicts or repeats another.
fn check_facts(input: &Input, decision: &shipping_domain::ShipmentDecision, seen: &mut Seen) {
    use EventType::{ShippingCancelled, ShippingDelivered, ShippingDispatched, ShippingFailed};
    for resent in &decision.resend {
        assert!(seen.said.contains(resent), "{resent} was never said");
    }
    for said in types(decision) {
        assert!(!seen.said.contains(&said), "{said} was said twice");
        let over = [ShippingCancelled, ShippingFailed];
        if over.contains(&said) && seen.booking_calls > 0 {
            let word = matches!(input, Input::Reply(Reply::Cancelled | Reply::Refused { .. }));
            assert!(word, "{said} without the carrier's word");
        }
        for (one, others) in [
            (ShippingCancelled, vec![ShippingFailed, ShippingDispatched, ShippingDelivered]),
            (ShippingFailed, vec![ShippingCancelled, ShippingDispatched, ShippingDelivered]),
        ] {
            let pair = (said == one && others.iter().any(|other| seen.said.contains(other)))
                || (others.contains(&said) && seen.said.contains(&one));
            assert!(!pair, "{said} contradicts {:?}", seen.said);
        }
        seen.said.push(said);
    }
}

fn check_rest(state: &State, seen: &Seen) {
    if state.status.is_final() {
        assert!(seen.armed.is_empty(), "{:?} armed in a final state", seen.armed);
        assert_eq!((&state.parcel, state.stop, state.asks), (&None, None, 0));
    } else if state.status != Status::Unknown {
        assert!(!seen.armed.is_empty(), "nothing would ever wake {state:?}");
    }
    for asked in EventType::ALL {
        for answer in answers(state, *asked) {
            assert!(seen.said.contains(&answer), "{answer} was never said");
        }
    }
    let waits = matches!(state.status, Status::Booking | Status::Cancelling);
    if seen.cancel_asked && !waits {
        let answered =
            [EventType::ShippingCancelled, EventType::ShippingCancelRejected, EventType::ShippingFailed];
        assert!(answered.iter().any(|answer| seen.said.contains(answer)), "a cancel was never answered");
    }
    if state.status == Status::Dispatched || state.status == Status::Delivered {
        assert!(state.consignment.is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_promises(inputs in prop::collection::vec(any_input(), 0..24)) {
        holds(&inputs);
    }

    #[test]
    fn every_confirmed_history_keeps_the_promises(inputs in prop::collection::vec(any_input(), 0..16)) {
        let mut all = vec![said(CONFIRMED)];
        all.extend(inputs);
        holds(&all);
    }
}

#[test]
fn every_state_decides_every_input() {
    for (_, state) in every_state() {
        for event_type in EventType::ALL {
            let _ = step(&state, &said(*event_type));
        }
        for timer in ShipmentTimer::ALL {
            let _ = step(&state, &Input::Timer(*timer));
        }
        for input in [
            booked(),
            dispatched(),
            delivered(),
            refused(),
            CANCELLED,
            NEVER_HEARD_OF,
            no_answer(),
            DISPATCH,
            DELIVER,
        ] {
            assert!(!step(&state, &input).note.is_empty(), "{input:?}");
        }
    }
}

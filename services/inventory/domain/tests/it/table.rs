//! The decide table: one test a rule, and one over every cell.

use std::time::Duration;

use chrono::TimeDelta;
use inventory_domain::{Input, InventoryTimer, Movement, State, answers, handles};
use shared_events::{
    Event, EventType, Outcome, Service, TimerChange,
    events::{
        fraud::Verdict,
        inventory::{ReleasedFrom, ReserveFailure},
        order::InventoryReserveRequested,
    },
};

use crate::{HOLD, decided, example, held, line, movements, noon, product, request, shop, verdict};

fn a_hold() -> State {
    State::Held { items: held(&[(1, 2)]), expires_at: noon(), asked: 0 }
}

fn a_commitment() -> State {
    State::Committed { items: held(&[(1, 2)]) }
}

fn a_tombstone() -> State {
    released(ReleasedFrom::Nothing, EventType::OrderCancelled)
}

fn released(released_from: ReleasedFrom, reason: EventType) -> State {
    let items = if released_from == ReleasedFrom::Nothing { vec![] } else { held(&[(1, 2)]) };
    State::Released { released_from, reason, items }
}

fn a_rejection() -> State {
    State::Rejected { code: ReserveFailure::InsufficientStock }
}

fn failed(input: &Input) -> shared_events::events::inventory::InventoryReserveFailed {
    let decision = decided(&shop(), &State::Unknown, input);
    assert_eq!(decision.outcome, Outcome::Failed);
    assert!(decision.effects.is_empty() && decision.timers.is_empty());
    let [Event::InventoryReserveFailed(failed)] = decision.emit.as_slice() else { panic!("{decision:?}") };
    assert_eq!(decision.state, State::Rejected { code: failed.code });
    failed.clone()
}

#[test]
fn inventory_handles_exactly_what_the_catalogue_gives_it() {
    for event_type in EventType::ALL {
        assert_eq!(
            handles(*event_type),
            event_type.entry().is_consumed_by(Service::Inventory),
            "{event_type}"
        );
    }
}

#[test]
fn a_request_that_fits_is_held_and_says_what_is_left() {
    let decision = decided(&shop(), &State::Unknown, &request(vec![line(2, 3), line(1, 2)]));
    let expires_at = noon() + TimeDelta::minutes(15);
    let items = held(&[(1, 2), (2, 3)]);
    assert_eq!(decision.state, State::Held { items: items.clone(), expires_at, asked: 0 });
    assert_eq!(decision.outcome, Outcome::Completed);
    assert_eq!(decision.note, "5 held in 2 lines");
    assert_eq!(decision.timers, [TimerChange::Arm(InventoryTimer::Hold, Duration::from_secs(900))]);
    let [Event::InventoryReserved(reserved)] = decision.emit.as_slice() else { panic!("{decision:?}") };
    let left: Vec<_> = reserved.items.iter().map(|line| (line.quantity, line.available_after)).collect();
    assert_eq!(left, [(2, 148), (3, 7)]);
    assert_eq!(reserved.expires_at, expires_at);
    let [change] = movements(&decision)[..] else { panic!("{decision:?}") };
    assert_eq!((change.movement, &change.items), (Movement::Hold, &items));
}

#[test]
fn the_last_unit_goes_to_the_first_of_two_orders() {
    let mut stock = shop();
    let first = decided(&stock, &State::Unknown, &request(vec![line(2, 10)]));
    assert_eq!(first.note, "10 held, 0 left");
    stock.apply(movements(&first)[0]);
    let second = decided(&stock, &State::Unknown, &request(vec![line(2, 1)]));
    assert_eq!(second.state, State::Rejected { code: ReserveFailure::InsufficientStock });
}

#[test]
fn too_many_are_refused_with_the_figures_and_nothing_is_held() {
    let failed = failed(&request(vec![line(1, 2), line(2, 11)]));
    assert_eq!(failed.code, ReserveFailure::InsufficientStock);
    assert_eq!(failed.reason, format!("11 asked, 10 available of product {}", product(2).0));
    let [line] = failed.lines.as_slice() else { panic!("{failed:?}") };
    assert_eq!((line.asked, line.available, line.price_minor), (11, 10, Some(2499)));
}

#[test]
fn an_unknown_product_is_refused() {
    let failed = failed(&request(vec![line(9, 1)]));
    assert_eq!(failed.code, ReserveFailure::UnknownProduct);
    assert_eq!(failed.lines[0].available, 0);
    assert_eq!(failed.lines[0].price_minor, None);
    assert!(failed.reason.starts_with("there is no product"), "{}", failed.reason);
}

#[test]
fn another_price_is_refused_even_when_it_is_higher() {
    for price in [2498, 2500, 0, -2499] {
        let mut wrong = line(1, 1);
        wrong.unit_price_minor = price;
        let failed = failed(&request(vec![wrong]));
        assert_eq!(failed.code, ReserveFailure::PriceMismatch, "{price}");
        assert_eq!((failed.lines[0].asked_price_minor, failed.lines[0].price_minor), (price, Some(2499)));
    }
}

#[test]
fn another_currency_is_another_price() {
    let in_euros = InventoryReserveRequested { items: vec![line(1, 1)], currency: "EUR".parse().unwrap() };
    let failed = failed(&Input::Event(in_euros.into()));
    assert_eq!(failed.code, ReserveFailure::PriceMismatch);
    assert!(failed.reason.contains("24.99 EUR") && failed.reason.contains("24.99 USD"), "{}", failed.reason);
}

#[test]
fn the_first_failing_line_names_the_reason_and_all_of_them_are_listed() {
    let mut wrong = line(1, 1);
    wrong.unit_price_minor = 1;
    let failed = failed(&request(vec![line(2, 1), wrong, line(9, 1), line(2, 10)]));
    let codes: Vec<_> = failed.lines.iter().map(|line| line.code).collect();
    assert_eq!(failed.code, ReserveFailure::InsufficientStock, "the lines of product 2 fail together");
    assert_eq!(
        codes,
        [
            ReserveFailure::InsufficientStock,
            ReserveFailure::PriceMismatch,
            ReserveFailure::UnknownProduct,
            ReserveFailure::InsufficientStock
        ]
    );
    assert!(failed.reason.ends_with("; 3 more lines failed"), "{}", failed.reason);
}

#[test]
fn two_lines_of_one_product_are_held_as_one_and_must_fit_together() {
    let decision = decided(&shop(), &State::Unknown, &request(vec![line(2, 4), line(2, 6)]));
    assert_eq!(decision.state.items(), held(&[(2, 10)]));
    assert_eq!(failed(&request(vec![line(2, 5), line(2, 6)])).code, ReserveFailure::InsufficientStock);
    let overflow = request(vec![line(2, u32::MAX), line(2, u32::MAX)]);
    assert_eq!(failed(&overflow).code, ReserveFailure::InsufficientStock);
}

#[test]
fn a_confirmed_order_takes_its_stock_from_the_shelf() {
    let decision = decided(&shop(), &a_hold(), &example(EventType::OrderConfirmed));
    assert_eq!(decision.state, a_commitment());
    assert_eq!(decision.note, "2 committed");
    assert!(decision.emit.is_empty() && decision.alarm.is_none());
    assert_eq!(decision.timers, [TimerChange::Disarm(InventoryTimer::Hold)]);
    assert_eq!(movements(&decision)[0].movement, Movement::Commit);
}

#[test]
fn whoever_ends_an_order_is_answered_and_the_stock_is_free() {
    let cases = [
        (EventType::PaymentFailed, a_hold(), ReleasedFrom::Held, Some(Movement::Release)),
        (EventType::OrderCancelled, a_hold(), ReleasedFrom::Held, Some(Movement::Release)),
        (EventType::OrderFailed, a_hold(), ReleasedFrom::Held, Some(Movement::Release)),
        (EventType::OrderCancelled, a_commitment(), ReleasedFrom::Committed, Some(Movement::Return)),
        (EventType::OrderFailed, a_commitment(), ReleasedFrom::Committed, Some(Movement::Return)),
        (EventType::PaymentFailed, State::Unknown, ReleasedFrom::Nothing, None),
        (EventType::OrderCancelled, State::Unknown, ReleasedFrom::Nothing, None),
        (EventType::OrderFailed, State::Unknown, ReleasedFrom::Nothing, None),
    ];
    for (cause, before, from, movement) in cases {
        let decision = decided(&shop(), &before, &example(cause));
        assert_eq!(decision.state, released(from, cause));
        assert_eq!(decision.outcome, Outcome::Compensated);
        let [Event::InventoryReleased(answer)] = decision.emit.as_slice() else { panic!("{decision:?}") };
        assert_eq!((answer.released_from, answer.reason.as_str()), (from, cause.as_str()));
        assert_eq!(answer.items, decision.state.items());
        assert_eq!(movements(&decision).first().map(|change| change.movement), movement, "{cause}");
        assert_eq!(decision.timers, [TimerChange::Disarm(InventoryTimer::Hold)]);
    }
}

#[test]
fn a_closed_account_is_not_answered_again() {
    for closed in [a_tombstone(), released(ReleasedFrom::Held, EventType::PaymentFailed), a_rejection()] {
        for end in [EventType::OrderCancelled, EventType::OrderFailed, EventType::PaymentFailed] {
            let decision = decided(&shop(), &closed, &example(end));
            assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &closed));
            assert!(decision.emit.is_empty() && decision.effects.is_empty() && decision.alarm.is_none());
        }
    }
}

#[test]
fn a_request_that_comes_after_its_undo_is_refused_silently() {
    for done in [a_tombstone(), released(ReleasedFrom::Held, EventType::OrderFailed), a_rejection()] {
        let decision = decided(&shop(), &done, &request(vec![line(1, 1)]));
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &done));
        assert!(decision.emit.is_empty() && decision.effects.is_empty());
        assert!(decision.note.starts_with("refused"), "{}", decision.note);
    }
}

#[test]
fn a_second_request_holds_nothing_more() {
    for holding in [a_hold(), a_commitment()] {
        let decision = decided(&shop(), &holding, &request(vec![line(1, 5)]));
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &holding));
        assert!(decision.effects.is_empty() && decision.emit.is_empty());
    }
}

#[test]
fn a_review_extends_the_hold_to_twenty_five_hours() {
    let asked_twice = State::Held { items: held(&[(1, 2)]), expires_at: noon(), asked: 2 };
    let decision = decided(&shop(), &asked_twice, &verdict(Verdict::Review));
    let expires_at = noon() + TimeDelta::hours(25);
    assert_eq!(decision.state, State::Held { items: held(&[(1, 2)]), expires_at, asked: 2 });
    assert_eq!(decision.timers, [TimerChange::Arm(InventoryTimer::Hold, Duration::from_secs(90_000))]);
    assert!(decision.emit.is_empty());
}

#[test]
fn a_review_of_nothing_held_and_any_other_verdict_are_ignored() {
    for state in [State::Unknown, a_commitment(), a_tombstone(), a_rejection()] {
        let decision = decided(&shop(), &state, &verdict(Verdict::Review));
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &state));
        assert!(decision.timers.is_empty());
    }
    for other in [Verdict::Approve, Verdict::Reject] {
        let decision = decided(&shop(), &a_hold(), &verdict(other));
        assert_eq!((decision.outcome, decision.state), (Outcome::Ignored, a_hold()));
        assert!(decision.timers.is_empty());
    }
}

#[test]
fn an_expired_hold_goes_on_holding_and_asks_again_and_again() {
    let mut state = a_hold();
    let mut pauses = Vec::new();
    for question in 1..=7 {
        let decision = decided(&shop(), &state, &HOLD);
        let [Event::InventoryHoldExpired(expired)] = decision.emit.as_slice() else { panic!("{decision:?}") };
        assert_eq!(expired.asked, question);
        let [TimerChange::Arm(InventoryTimer::Hold, pause)] = decision.timers[..] else {
            panic!("{decision:?}")
        };
        pauses.push(pause.as_secs() / 60);
        assert_eq!(decision.state.items(), held(&[(1, 2)]));
        assert!(decision.effects.is_empty());
        assert_eq!(decision.alarm.is_some(), question >= 6, "question {question}");
        state = decision.state;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 15, 15, 15]);
}

#[test]
fn a_deadline_of_nothing_held_asks_nobody() {
    for state in [State::Unknown, a_commitment(), a_tombstone(), a_rejection()] {
        let decision = decided(&shop(), &state, &HOLD);
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &state));
        assert!(decision.emit.is_empty() && decision.timers.is_empty());
    }
}

#[test]
fn a_confirmation_overtaken_by_its_own_cancellation_is_no_alarm() {
    for reason in [EventType::OrderCancelled, EventType::OrderFailed] {
        for from in [ReleasedFrom::Held, ReleasedFrom::Committed] {
            let decision = decided(&shop(), &released(from, reason), &example(EventType::OrderConfirmed));
            assert_eq!((decision.outcome, decision.alarm), (Outcome::Ignored, None));
            assert!(decision.effects.is_empty());
        }
    }
}

#[test]
fn a_confirmation_without_held_stock_calls_a_person_and_takes_nothing() {
    let impossible = [
        State::Unknown,
        a_tombstone(),
        a_rejection(),
        released(ReleasedFrom::Held, EventType::PaymentFailed),
        released(ReleasedFrom::Nothing, EventType::PaymentFailed),
    ];
    for state in impossible {
        let decision = decided(&shop(), &state, &example(EventType::OrderConfirmed));
        assert!(decision.alarm.is_some(), "{state:?}");
        assert_eq!((decision.outcome, decision.state), (Outcome::Ignored, state));
        assert!(decision.effects.is_empty() && decision.emit.is_empty());
    }
    let twice = decided(&shop(), &a_commitment(), &example(EventType::OrderConfirmed));
    assert_eq!((twice.outcome, twice.alarm), (Outcome::Ignored, None));
}

#[test]
fn a_failed_payment_of_a_confirmed_order_calls_a_person_and_keeps_the_commitment() {
    let decision = decided(&shop(), &a_commitment(), &example(EventType::PaymentFailed));
    assert!(decision.alarm.is_some());
    assert_eq!(decision.state, a_commitment());
    assert!(decision.effects.is_empty() && decision.emit.is_empty());
}

#[test]
fn events_of_others_change_nothing_in_any_state() {
    for state in [State::Unknown, a_hold(), a_commitment(), a_tombstone(), a_rejection()] {
        for event_type in EventType::ALL.iter().filter(|event_type| !handles(**event_type)) {
            let decision = decided(&shop(), &state, &example(*event_type));
            assert_eq!((decision.outcome, decision.note.as_str()), (Outcome::Ignored, "not for inventory"));
            assert_eq!(decision.state, state);
            assert!(decision.emit.is_empty() && decision.effects.is_empty() && decision.timers.is_empty());
        }
    }
}

#[test]
fn a_resend_is_answered_with_the_current_answer_whatever_caused_it() {
    let ends = [EventType::OrderCancelled, EventType::OrderFailed, EventType::PaymentFailed];
    let by_payment = released(ReleasedFrom::Held, EventType::PaymentFailed);
    for asked in ends.into_iter().chain([EventType::InventoryReserveRequested]) {
        assert_eq!(answers(&by_payment, asked), [EventType::InventoryReleased]);
        assert_eq!(answers(&a_tombstone(), asked), [EventType::InventoryReleased]);
        assert_eq!(answers(&a_rejection(), asked), [EventType::InventoryReserveFailed]);
        assert!(answers(&State::Unknown, asked).is_empty());
    }
    for holding in [a_hold(), a_commitment()] {
        assert_eq!(answers(&holding, EventType::InventoryReserveRequested), [EventType::InventoryReserved]);
        for end in ends {
            assert!(answers(&holding, end).is_empty());
        }
    }
}

#[test]
fn what_is_resent_for_others_sake_is_not_answered() {
    for state in [State::Unknown, a_hold(), a_commitment(), a_tombstone(), a_rejection()] {
        for asked in EventType::ALL.iter().filter(|asked| {
            !handles(**asked) || matches!(asked, EventType::OrderConfirmed | EventType::FraudAssessed)
        }) {
            assert!(answers(&state, *asked).is_empty(), "{asked} in {state:?}");
        }
    }
}

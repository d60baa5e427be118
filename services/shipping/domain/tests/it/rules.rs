//! The rules of the choreography that concern shipping, one table each.

use shared_events::{EventType, Outcome, catalogue::Service};
use shipping_domain::{
    CancelAnswer, Command, Effect, Parcel, Policy, State, Status, Stop, answers, command, handles,
};

use crate::world::*;

use EventType::{
    OrderCancelled, OrderFailed, ShippingCancelRejected, ShippingCancelled, ShippingDelivered,
    ShippingDispatched, ShippingFailed, ShippingScheduled,
};

#[test]
fn what_it_handles_equals_the_catalogue() {
    for event_type in EventType::ALL {
        let listed = event_type.entry().is_consumed_by(Service::Shipping);
        assert_eq!(handles(*event_type), listed, "{event_type}");
    }
}

#[test]
fn events_for_others_change_nothing_in_any_state() {
    for (name, state) in every_state() {
        for event_type in EventType::ALL.iter().filter(|event_type| !handles(**event_type)) {
            let decision = step(&state, &said(*event_type));
            expect_nothing(&state, &decision);
            assert_eq!(decision.note, "not for shipping", "{name}, {event_type}");
        }
    }
}

#[test]
fn a_confirmed_order_is_booked_with_its_address_and_its_pieces() {
    let decision = step(&State::default(), &said(CONFIRMED));
    let Effect::Book(Parcel { address, items }) = &decision.effects[0] else { panic!("books nothing") };
    assert_eq!((address.city.as_str(), *items), ("Portland", 2));
    assert_eq!((decision.state.status, decision.outcome), (Status::Booking, Outcome::Started));
    assert!(decision.emit.is_empty());
}

#[test]
fn a_second_confirmation_never_books_again() {
    for (name, state) in every_state().into_iter().filter(|(name, _)| *name != "unknown") {
        let decision = step(&state, &said(CONFIRMED));
        assert_eq!(decision.state, state, "{name}");
        expect_nothing(&state, &decision);
    }
}

#[test]
fn a_booked_parcel_is_scheduled_handed_over_and_delivered() {
    let scheduled = step(&state("booking"), &booked());
    expect(&scheduled, Status::Scheduled, &[ShippingScheduled], &[]);
    assert_eq!(scheduled.note, "TRK-7F3K2, arrives 23 Nov");
    let handed_over = step(&scheduled.state, &DISPATCH);
    expect(&handed_over, Status::Dispatched, &[ShippingDispatched], &[]);
    let arrived = step(&handed_over.state, &DELIVER);
    expect(&arrived, Status::Delivered, &[ShippingDelivered], &[]);
}

#[test]
fn a_delivery_that_is_reported_first_tells_the_hand_over_as_well() {
    let decision = step(&state("scheduled"), &DELIVER);
    expect(&decision, Status::Delivered, &[ShippingDispatched, ShippingDelivered], &[]);
    let all = [ShippingScheduled, ShippingDispatched, ShippingDelivered];
    expect(&step(&state("booking"), &delivered()), Status::Delivered, &all, &[]);
    expect(&step(&state("dispatched"), &delivered()), Status::Delivered, &[ShippingDelivered], &[]);
}

#[test]
fn a_carrier_that_hands_over_before_we_know_of_the_booking_tells_both() {
    let decision = step(&state("booking"), &dispatched());
    expect(&decision, Status::Dispatched, &[ShippingScheduled, ShippingDispatched], &[]);
}

#[test]
fn a_refusal_is_told_and_final() {
    let decision = step(&state("booking"), &refused());
    expect(&decision, Status::Failed, &[ShippingFailed], &[]);
    assert_eq!(decision.state.failure.as_ref().unwrap().code, "address_unserviceable");
    assert_eq!(decision.outcome, Outcome::Failed);
}

#[test]
fn a_cancel_that_overtakes_the_confirmation_leaves_a_tombstone_and_is_answered() {
    let decision = step(&State::default(), &said(CANCEL));
    expect(&decision, Status::Cancelled, &[ShippingCancelled], &[]);
    // The late confirmation is refused silently: the answer was given (rule 6).
    expect_nothing(&decision.state, &step(&decision.state, &said(CONFIRMED)));
}

#[test]
fn a_dead_order_leaves_a_tombstone_silently() {
    for death in [OrderCancelled, OrderFailed] {
        let decision = step(&State::default(), &said(death));
        expect(&decision, Status::Cancelled, &[], &[]);
        expect_nothing(&decision.state, &step(&decision.state, &said(CONFIRMED)));
        assert!(answers(&decision.state, death).is_empty());
    }
}

#[test]
fn a_cancel_waits_for_the_booking_in_flight() {
    let decision = step(&state("booking"), &said(CANCEL));
    expect(&decision, Status::Booking, &[], &[]);
    assert_eq!(decision.state.stop, Some(Stop::Requested));
}

#[test]
fn booked_while_a_cancel_waits_is_told_and_then_cancelled() {
    for (waiting, stop) in
        [("booking, cancel waits", Stop::Requested), ("booking, order dead", Stop::OrderDied)]
    {
        let decision = step(&state(waiting), &booked());
        expect(&decision, Status::Cancelling, &[ShippingScheduled], &[Effect::Cancel]);
        assert_eq!(decision.state.stop, Some(stop));
        let done = step(&decision.state, &CANCELLED);
        expect(&done, Status::Cancelled, &[ShippingCancelled], &[]);
    }
}

#[test]
fn refused_while_a_cancel_waits_is_told_as_failed() {
    for waiting in ["booking, cancel waits", "cancelling a known booking", "cancelling an unclear booking"] {
        expect(&step(&state(waiting), &refused()), Status::Failed, &[ShippingFailed], &[]);
    }
}

#[test]
fn a_cancel_of_a_scheduled_parcel_is_asked_of_the_carrier_and_answered_by_its_word() {
    let asking = step(&state("scheduled"), &said(CANCEL));
    expect(&asking, Status::Cancelling, &[], &[Effect::Cancel]);
    expect(&step(&asking.state, &CANCELLED), Status::Cancelled, &[ShippingCancelled], &[]);
    let too_late = step(&asking.state, &dispatched());
    expect(&too_late, Status::Dispatched, &[ShippingDispatched, ShippingCancelRejected], &[]);
    let all = [ShippingDispatched, ShippingDelivered, ShippingCancelRejected];
    expect(&step(&asking.state, &delivered()), Status::Delivered, &all, &[]);
}

#[test]
fn a_cancel_after_the_hand_over_is_rejected_once_and_then_said_again() {
    for (fresh, asked, status) in [
        ("dispatched", "dispatched, cancel rejected", Status::Dispatched),
        ("delivered", "delivered, cancel rejected", Status::Delivered),
    ] {
        let first = step(&state(fresh), &said(CANCEL));
        expect(&first, status, &[ShippingCancelRejected], &[]);
        assert_eq!(first.state.cancel_answer, Some(CancelAnswer::Rejected));
        let second = step(&state(asked), &said(CANCEL));
        expect(&second, status, &[], &[]);
        assert_eq!(second.resend, [ShippingCancelRejected]);
    }
}

#[test]
fn a_cancel_of_what_is_over_gets_the_answer_that_was_given() {
    for (over, answer) in [
        ("refused", ShippingFailed),
        ("failed, given up", ShippingFailed),
        ("cancelled", ShippingCancelled),
        ("tombstone of a cancel", ShippingCancelled),
    ] {
        let before = state(over);
        let decision = step(&before, &said(CANCEL));
        assert_eq!((decision.resend.as_slice(), &decision.state), (&[answer][..], &before), "{over}");
        assert!(decision.emit.is_empty(), "{over}");
    }
    // A silent tombstone has said nothing yet that could be said again.
    let first = step(&state("silent tombstone"), &said(CANCEL));
    expect(&first, Status::Cancelled, &[ShippingCancelled], &[]);
    assert_eq!(step(&first.state, &said(CANCEL)).resend, [ShippingCancelled]);
}

#[test]
fn a_second_cancel_while_cancelling_changes_at_most_who_waits() {
    let before = state("cancelling a known booking");
    let decision = step(&before, &said(CANCEL));
    assert_eq!(decision.state, before);
    expect(&decision, Status::Cancelling, &[], &[]);
    let gave_up = step(&state("cancelling, gave up"), &said(CANCEL));
    assert_eq!(gave_up.state.stop, Some(Stop::Requested));
    let dead = step(&state("cancelling, order dead"), &said(CANCEL));
    assert_eq!(dead.state.stop, Some(Stop::OrderDied));
    expect(&step(&dead.state, &CANCELLED), Status::Cancelled, &[ShippingCancelled], &[]);
}

#[test]
fn an_order_that_dies_takes_its_booking_along() {
    for death in [OrderCancelled, OrderFailed] {
        let waiting = step(&state("booking"), &said(death));
        expect(&waiting, Status::Booking, &[], &[]);
        assert_eq!(waiting.state.stop, Some(Stop::OrderDied));
        let asking = step(&state("scheduled"), &said(death));
        expect(&asking, Status::Cancelling, &[], &[Effect::Cancel]);
        let gave_up = step(&state("cancelling, gave up"), &said(death));
        expect(&step(&gave_up.state, &CANCELLED), Status::Cancelled, &[ShippingCancelled], &[]);
    }
}

#[test]
fn a_parcel_of_a_dead_order_in_the_carriers_hands_calls_a_person() {
    for name in ["dispatched", "delivered"] {
        let decision = step(&state(name), &said(OrderFailed));
        assert!(decision.alarm.is_some(), "{name}");
        assert_eq!(decision.state, state(name));
    }
    let decision = step(&state("cancelling, order dead"), &dispatched());
    expect(&decision, Status::Dispatched, &[ShippingDispatched, ShippingCancelRejected], &[]);
    assert!(decision.alarm.is_some());
}

#[test]
fn a_dead_order_changes_nothing_about_what_is_over() {
    for name in ["cancelled", "tombstone of a cancel", "silent tombstone", "refused", "failed, given up"] {
        for death in [OrderCancelled, OrderFailed] {
            expect_nothing(&state(name), &step(&state(name), &said(death)));
        }
    }
}

#[test]
fn a_resend_is_answered_with_all_that_still_holds_whatever_caused_it() {
    let table: &[(&str, &[EventType])] = &[
        ("unknown", &[]),
        ("booking", &[]),
        ("booking, cancel waits", &[]),
        ("booking, order dead", &[]),
        ("scheduled", &[ShippingScheduled]),
        ("dispatched", &[ShippingScheduled, ShippingDispatched]),
        ("dispatched, cancel rejected", &[ShippingScheduled, ShippingDispatched, ShippingCancelRejected]),
        ("delivered", &[ShippingScheduled, ShippingDispatched, ShippingDelivered]),
        (
            "delivered, cancel rejected",
            &[ShippingScheduled, ShippingDispatched, ShippingDelivered, ShippingCancelRejected],
        ),
        ("cancelling a known booking", &[ShippingScheduled]),
        ("cancelling an unclear booking", &[]),
        ("cancelling, gave up", &[]),
        ("cancelling, order dead", &[ShippingScheduled]),
        ("cancelled", &[ShippingCancelled]),
        ("tombstone of a cancel", &[ShippingCancelled]),
        ("silent tombstone", &[]),
        ("refused", &[ShippingFailed]),
        ("failed, given up", &[ShippingFailed]),
    ];
    assert_eq!(table.len(), every_state().len());
    for (name, expected) in table {
        for asked in [CONFIRMED, CANCEL, OrderCancelled, OrderFailed] {
            assert_eq!(answers(&state(name), asked), *expected, "{name}, {asked}");
        }
        assert!(answers(&state(name), EventType::OrderPlaced).is_empty());
    }
}

#[test]
fn reports_of_progress_are_refused_with_a_reason_where_they_cannot_be() {
    let table = [
        ("unknown", "unknown_shipment"),
        ("booking", "still_booking"),
        ("booking, cancel waits", "still_booking"),
        ("cancelling a known booking", "being_cancelled"),
        ("cancelling, gave up", "being_cancelled"),
        ("cancelled", "shipment_cancelled"),
        ("tombstone of a cancel", "shipment_cancelled"),
        ("silent tombstone", "shipment_cancelled"),
        ("refused", "shipment_failed"),
        ("failed, given up", "shipment_failed"),
    ];
    for (name, code) in table {
        for asked in [Command::Dispatch, Command::Deliver] {
            let refused = command(&Policy::default(), &state(name), asked, now()).unwrap_err();
            assert_eq!(refused.code, code, "{name}");
            // As an input of `decide`, which is total, it changes nothing.
            expect_nothing(&state(name), &step(&state(name), &shipping_domain::Input::Command(asked)));
        }
    }
}

#[test]
fn a_report_that_is_known_already_changes_nothing() {
    for (name, input) in [
        ("dispatched", DISPATCH),
        ("dispatched", dispatched()),
        ("dispatched", booked()),
        ("delivered", DISPATCH),
        ("delivered", DELIVER),
        ("delivered", dispatched()),
        ("delivered", delivered()),
        ("delivered", booked()),
        ("scheduled", booked()),
        ("cancelling a known booking", booked()),
        ("cancelled", booked()),
        ("cancelled", CANCELLED),
        ("refused", booked()),
        ("refused", refused()),
        ("failed, given up", CANCELLED),
    ] {
        expect_nothing(&state(name), &step(&state(name), &input));
    }
}

#[test]
fn the_address_is_forgotten_once_nobody_books_again() {
    for (name, state) in every_state() {
        let needed = matches!(state.status, Status::Booking | Status::Scheduled | Status::Cancelling);
        assert_eq!(state.parcel.is_some(), needed, "{name}");
    }
}

//! The rule for attempts that never began, for those of which nobody knows how they ended, and for
//! an `order.placed` that comes after its deadline.

use std::time::Duration;

use notification_service::{Delivery, NotificationTimer, policy::Policy, state::Status};
use shared_events::{Event, EventType, Outcome};

use crate::world::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_attempt_that_never_began_does_not_count_and_gets_another_turn() {
    let mut decision = step(&Default::default(), &placed_by("ada@example.com"));
    let (mut at, mut pauses) = (now(), Vec::new());
    for _ in 0..20 {
        let post = posts(&decision).pop().expect("an attempt");
        assert_eq!(post.attempt, 1);
        let waits = step_at(&decision.state, &report(&post, Delivery::PutOff), at);
        assert_eq!((waits.outcome, waits.state.messages[0].attempts), (Outcome::Started, 0));
        assert!(waits.emit.is_empty() && waits.effects.is_empty());
        let pause = armed(&waits, NotificationTimer::Send).expect("another turn");
        pauses.push(pause.as_secs());
        at += pause;
        decision = step_at(&waits.state, &SEND, at);
    }
    assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
    let post = posts(&decision).pop().unwrap();
    let sent = step_at(&decision.state, &report(&post, Delivery::Sent), at);
    assert_eq!(sent.state.messages[0].attempts, 1);
    // After an attempt that began, waiting begins anew.
    let failed = step_at(&decision.state, &report(&post, later()), at);
    assert_eq!(failed.state.messages[0].put_off, 0);
    assert_eq!(armed(&failed, NotificationTimer::Send), Some(SECOND));
}

#[test]
fn a_message_that_may_have_left_is_repeated_twice_and_long_apart() {
    let mut decision = step(&Default::default(), &placed_by("ada@example.com"));
    let (mut at, mut pauses) = (now(), Vec::new());
    let over = loop {
        let post = posts(&decision).pop().expect("an attempt");
        let doubtful = step_at(&decision.state, &report(&post, unknown()), at);
        let Some(pause) = armed(&doubtful, NotificationTimer::Send) else { break doubtful };
        pauses.push(pause);
        at += pause;
        decision = step_at(&doubtful.state, &SEND, at);
    };
    assert_eq!(pauses, [Policy::default().unknown_again_after; 2]);
    assert!(pauses[0] >= Duration::from_secs(600));
    let [Event::NotificationFailed(failed)] = &over.emit[..] else { panic!("{:?}", over.emit) };
    assert_eq!(failed.reason, "it may have left, nobody knows: the server fell silent");
    assert_eq!((over.state.messages[0].attempts, over.state.messages[0].status), (3, Status::Failed));
}

#[test]
fn an_attempt_that_a_later_one_replaced_changes_nothing_by_being_put_off_or_unknown() {
    let queued = step(&Default::default(), &placed_by("ada@example.com"));
    let first = &posts(&queued)[0];
    let again = step_at(&queued.state, &SEND, now() + Policy::default().answer_within());
    for late in [unknown(), Delivery::PutOff] {
        let decision = step(&again.state, &report(first, late));
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &again.state));
    }
}

#[test]
fn a_late_order_placed_revives_what_was_given_up_for_want_of_a_recipient() {
    let waiting = after(&[said(EventType::OrderFailed), said(EventType::PaymentRefunded)]);
    let given_up = step(&waiting, &RECIPIENT).state;
    let late = step(&given_up, &said(EventType::OrderPlaced));
    let mut expected: Vec<_> = ["order_failed", "order_refunded", "order_received"]
        .iter()
        .flat_map(|template| [("email", *template), ("sms", *template)])
        .collect();
    let mut told = told(&late.state.messages);
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let posts = posts(&late);
    assert_eq!(posts.len(), 6);
    for message in &late.state.messages {
        assert_eq!((message.status, message.attempts, &message.last_error), (Status::Queued, 1, &None));
        assert!(message.letter.name.is_some() && message.letter.purchase.is_some());
    }
    assert_eq!(late.state.messages[0].id(), given_up.messages[0].id(), "under its old id");
    assert!(armed(&late, NotificationTimer::Send).is_some());
    // It is all the same to whom something was told already.
    let again = step(&late.state, &said(EventType::OrderPlaced));
    assert_eq!((again.outcome, &again.state), (Outcome::Ignored, &late.state));
}

#[test]
fn a_late_order_placed_with_a_useless_address_gives_up_again_and_for_good() {
    let waiting = after(&[said(EventType::OrderFailed)]);
    let given_up = step(&waiting, &RECIPIENT).state;
    let late = step(&given_up, &placed_by("nowhere"));
    assert_eq!(types(&late), [EventType::NotificationFailed; 2]);
    assert!(late.state.messages.iter().all(|message| message.status == Status::Failed));
    assert!(late.effects.is_empty());
}

#[test]
fn what_went_to_an_assumed_address_is_not_told_twice() {
    let waiting = after(&[said(EventType::ShippingDispatched), said(EventType::OrderConfirmed)]);
    let assumed = step(&waiting, &RECIPIENT).state;
    let late = step(&assumed, &said(EventType::OrderPlaced));
    assert_eq!(told(&late.state.messages[2..]), [("email", "order_received"), ("sms", "order_received")]);
}

//! The rule, case by case.

use std::time::Duration;

use chrono::TimeDelta;
use notification_service::{
    Delivery, NotificationTimer,
    decide::handles,
    policy::Policy,
    state::{State, Status},
};
use shared_events::{Event, EventType, Outcome, Service};

use crate::world::*;

const SECOND: Duration = Duration::from_secs(1);

fn reason(event: &Event) -> String {
    let Event::NotificationFailed(failed) = event else { panic!("{event:?}") };
    failed.reason.clone()
}

#[test]
fn it_reacts_to_what_the_catalogue_gives_it() {
    for event_type in EventType::ALL {
        let catalogued = event_type.entry().is_consumed_by(Service::Notification);
        assert_eq!(handles(*event_type), catalogued, "{event_type}");
        assert_eq!(HEARD.contains(event_type), catalogued, "{event_type}");
    }
}

#[test]
fn each_event_a_customer_cares_about_becomes_an_email_and_a_text_message() {
    let known = after(&[said(EventType::OrderPlaced)]);
    assert_eq!(told(&known.messages), [("email", "order_received"), ("sms", "order_received")]);
    for (event_type, template) in [
        (EventType::OrderConfirmed, "order_confirmed"),
        (EventType::ShippingDispatched, "order_shipped"),
        (EventType::ShippingDelivered, "order_delivered"),
        (EventType::OrderFailed, "order_failed"),
        (EventType::OrderCancelled, "order_cancelled"),
        (EventType::PaymentRefunded, "order_refunded"),
    ] {
        let decision = step(&known, &said(event_type));
        let posts = posts(&decision);
        let to: Vec<_> = posts.iter().map(|post| post.recipient.as_str()).collect();
        assert_eq!(to, ["ada@example.com", "+15035550100"]);
        assert!(posts.iter().all(|post| post.letter.news.template() == template && post.attempt == 1));
        assert_eq!(told(&decision.state.messages[2..]), [("email", template), ("sms", template)]);
        assert_eq!((decision.outcome, types(&decision)), (Outcome::Started, vec![]));
    }
}

#[test]
fn a_booking_is_only_noted_and_its_estimate_goes_into_the_next_message() {
    let known = after(&[said(EventType::OrderPlaced)]);
    let decision = step(&known, &said(EventType::ShippingScheduled));
    assert!(decision.effects.is_empty() && decision.timers.is_empty());
    assert_eq!(decision.outcome, Outcome::Completed);
    let shipped = posts(&step(&decision.state, &said(EventType::ShippingDispatched)));
    assert!(shipped[0].letter.estimated_delivery.is_some());
    let mut other = decision.state;
    other.parcel.as_mut().unwrap().tracking_number = "ANOTHER".to_owned();
    let shipped = posts(&step(&other, &said(EventType::ShippingDispatched)));
    assert_eq!(shipped[0].letter.estimated_delivery, None, "the estimate of another parcel");
}

#[test]
fn without_a_phone_number_there_are_no_text_messages_and_without_an_address_it_is_assumed() {
    let decision = step(&State::default(), &placed(|placed| placed.customer = None));
    assert_eq!(told(&decision.state.messages), [("email", "order_received")]);
    assert_eq!(posts(&decision)[0].recipient, "customer_customer-17@example.com");
}

#[test]
fn an_address_that_cannot_be_used_fails_at_once_and_is_not_tried() {
    let decision = step(&State::default(), &placed_by("ada at example"));
    assert!(decision.effects.is_empty());
    assert_eq!(types(&decision), [EventType::NotificationFailed]);
    assert!(reason(&decision.emit[0]).contains("address cannot be used"));
    let message = &decision.state.messages[0];
    assert_eq!((message.status, message.attempts, message.due_at), (Status::Failed, 0, None));
    assert_eq!(armed(&decision, NotificationTimer::Send), None);
}

#[test]
fn a_bad_number_fails_alone_and_the_email_goes_out() {
    let decision = step(
        &State::default(),
        &placed(|placed| placed.customer.as_mut().unwrap().phone = Some("call me".to_owned())),
    );
    assert_eq!(posts(&decision).len(), 1);
    assert_eq!(types(&decision), [EventType::NotificationFailed]);
    let statuses: Vec<_> = decision.state.messages.iter().map(|message| message.status).collect();
    assert_eq!(statuses, [Status::Queued, Status::Failed]);
}

#[test]
fn news_that_come_first_wait_for_the_recipient_and_then_follow_the_greeting() {
    let decision = step(&State::default(), &said(EventType::OrderFailed));
    assert!(decision.effects.is_empty() && decision.state.messages.is_empty());
    assert_eq!(armed(&decision, NotificationTimer::Recipient), Some(Policy::default().recipient_within));
    let second = step(&decision.state, &said(EventType::PaymentRefunded));
    assert_eq!(armed(&second, NotificationTimer::Recipient), None, "the deadline runs from the first");
    let found = step(&second.state, &placed_by("ada@example.com"));
    assert!(disarmed(&found, NotificationTimer::Recipient));
    assert_eq!(
        told(&found.state.messages),
        [("email", "order_received"), ("email", "order_failed"), ("email", "order_refunded")]
    );
    assert_eq!(posts(&found).len(), 3);
}

#[test]
fn at_the_deadline_the_address_is_assumed_when_it_is_known_who_ordered() {
    let waiting = after(&[said(EventType::ShippingDispatched), said(EventType::OrderConfirmed)]);
    let decision = step(&waiting, &RECIPIENT);
    assert_eq!(told(&decision.state.messages), [("email", "order_shipped"), ("email", "order_confirmed")]);
    assert!(posts(&decision).iter().all(|post| post.recipient == "customer_customer-17@example.com"));
    // Once it comes, the real address is used.
    let late = step(&decision.state, &said(EventType::OrderPlaced));
    assert_eq!(posts(&late)[0].recipient, "ada@example.com");
    assert_eq!(late.state.messages.len(), 4);
}

#[test]
fn at_the_deadline_messages_to_nobody_are_given_up_once() {
    let waiting = after(&[said(EventType::OrderFailed), said(EventType::PaymentRefunded)]);
    let decision = step(&waiting, &RECIPIENT);
    assert_eq!(types(&decision), [EventType::NotificationFailed, EventType::NotificationFailed]);
    assert!(decision.effects.is_empty() && decision.state.waiting.is_empty());
    assert!(decision.state.messages.iter().all(|message| message.recipient.is_none()));
    let again = step(&decision.state, &said(EventType::OrderFailed));
    assert_eq!((again.outcome, &again.state), (Outcome::Ignored, &decision.state));
    assert_eq!(told(&again.state.messages), [("email", "order_failed"), ("email", "order_refunded")]);
}

#[test]
fn what_left_is_said_once_whoever_reports_it() {
    let queued = step(&State::default(), &placed_by("ada@example.com"));
    let post = &posts(&queued)[0];
    assert_eq!(armed(&queued, NotificationTimer::Send), Some(Policy::default().answer_within()));
    let sent = step(&queued.state, &report(post, Delivery::Sent));
    assert_eq!((sent.outcome, types(&sent)), (Outcome::Completed, vec![EventType::NotificationSent]));
    assert!(disarmed(&sent, NotificationTimer::Send));
    assert_eq!(sent.state.messages[0].sent_at, Some(now()));
    for again in [Delivery::Sent, later(), never(), unknown(), Delivery::PutOff] {
        let decision = step(&sent.state, &report(post, again));
        assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &sent.state));
        assert!(decision.emit.is_empty() && decision.timers.is_empty());
    }
}

#[test]
fn a_failure_that_may_pass_is_tried_ten_times_with_growing_pauses() {
    let mut decision = step(&State::default(), &placed_by("ada@example.com"));
    let (mut at, mut pauses) = (now(), Vec::new());
    loop {
        let post = posts(&decision).pop().expect("an attempt");
        let failed = step_at(&decision.state, &report(&post, later()), at);
        let Some(pause) = armed(&failed, NotificationTimer::Send) else {
            assert_eq!(post.attempt, 10);
            assert_eq!(types(&failed), [EventType::NotificationFailed]);
            assert_eq!(reason(&failed.emit[0]), "421 try again");
            assert!(disarmed(&failed, NotificationTimer::Send));
            break;
        };
        assert!(failed.emit.is_empty() && failed.effects.is_empty());
        pauses.push(pause.as_secs());
        at += pause;
        decision = step_at(&failed.state, &SEND, at);
        assert_eq!(posts(&decision)[0].message, post.message, "the same id goes out again");
        assert_eq!(posts(&decision)[0].letter, post.letter);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
}

#[test]
fn a_final_refusal_is_not_tried_again_and_names_no_recipient() {
    let queued = step(&State::default(), &placed_by("ada@example.com"));
    let why = "550 5.1.1 <ada@example.com>: unknown\r\nuser".to_owned();
    let decision = step(&queued.state, &report(&posts(&queued)[0], Delivery::Never { why }));
    assert_eq!(reason(&decision.emit[0]), "550 5.1.1 <a***@example.com>: unknown user");
    assert_eq!(decision.state.messages[0].status, Status::Failed);
    assert!(disarmed(&decision, NotificationTimer::Send));
}

#[test]
fn an_attempt_that_a_crash_swallowed_is_made_again_and_the_last_one_given_up() {
    let queued = step(&State::default(), &placed_by("ada@example.com"));
    let wait = Policy::default().answer_within();
    let early = step_at(&queued.state, &SEND, now() + wait - 30 * SECOND);
    assert_eq!((early.outcome, early.effects.len()), (Outcome::Ignored, 0));
    assert_eq!(armed(&early, NotificationTimer::Send), Some(30 * SECOND), "set anew: its row is gone");
    let (mut state, mut at) = (queued.state, now());
    for attempt in 2..=10 {
        at += wait;
        let again = step_at(&state, &SEND, at);
        assert_eq!(posts(&again)[0].attempt, attempt);
        state = again.state;
    }
    let over = step_at(&state, &SEND, at + wait);
    assert!(over.effects.is_empty());
    assert_eq!(types(&over), [EventType::NotificationFailed]);
}

#[test]
fn a_late_failure_of_an_earlier_attempt_does_not_disturb_the_current_one() {
    let queued = step(&State::default(), &placed_by("ada@example.com"));
    let first = &posts(&queued)[0];
    let again = step_at(&queued.state, &SEND, now() + Policy::default().answer_within());
    let decision = step(&again.state, &report(first, later()));
    assert_eq!((decision.outcome, &decision.state), (Outcome::Ignored, &again.state));
    // But if the first attempt succeeded after all, the message left.
    let sent = step(&again.state, &report(first, Delivery::Sent));
    assert_eq!(types(&sent), [EventType::NotificationSent]);
}

#[test]
fn each_message_has_its_own_pause_and_the_timer_waits_for_the_earliest() {
    let queued = step(&State::default(), &said(EventType::OrderPlaced));
    let [mail, text] = &posts(&queued)[..] else { panic!("two messages") };
    let failed = step(&queued.state, &report(text, later()));
    assert_eq!(armed(&failed, NotificationTimer::Send), Some(SECOND));
    let again = step_at(&failed.state, &SEND, now() + TimeDelta::seconds(1));
    assert_eq!(posts(&again).len(), 1);
    assert_eq!(posts(&again)[0].message, text.message);
    let wait = Policy::default().answer_within() - SECOND;
    assert_eq!(armed(&again, NotificationTimer::Send), Some(wait), "for the mail, unheard of so far");
    let sent = step_at(&again.state, &report(mail, Delivery::Sent), now() + TimeDelta::seconds(2));
    assert_eq!(armed(&sent, NotificationTimer::Send), Some(wait), "for the text message");
}

#[test]
fn a_report_about_a_stranger_changes_nothing() {
    let queued = step(&State::default(), &placed_by("ada@example.com"));
    let decision = step(&State::default(), &report(&posts(&queued)[0], Delivery::Sent));
    assert_eq!((decision.outcome, decision.state), (Outcome::Ignored, State::default()));
}

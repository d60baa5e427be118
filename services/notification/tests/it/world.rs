//! Inputs and shorthand that all tests share.

use chrono::{DateTime, Utc};
use notification_service::{
    Delivery, Effect, Input, NotificationTimer, Post, Report,
    decide::{NotificationDecision, decide},
    policy::Policy,
    state::{Message, State},
};
use shared_events::{Envelope, Event, EventType, OrderId, TimerChange, events::order::OrderPlaced};

/// What notification is told of, in the order of a life with a bad end.
pub(crate) const HEARD: [EventType; 8] = [
    EventType::OrderPlaced,
    EventType::OrderConfirmed,
    EventType::ShippingScheduled,
    EventType::ShippingDispatched,
    EventType::ShippingDelivered,
    EventType::OrderFailed,
    EventType::OrderCancelled,
    EventType::PaymentRefunded,
];

/// A moment on the database's clock.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

/// The believable event of the golden file.
pub(crate) fn golden(event_type: EventType) -> Envelope {
    Envelope::decode(event_type.example().as_bytes()).expect("golden files are readable")
}

pub(crate) fn order() -> OrderId {
    golden(EventType::OrderPlaced).order_id()
}

pub(crate) fn said(event_type: EventType) -> Input {
    Input::Event(Box::new(golden(event_type)))
}

/// `order.placed` with something else about the customer.
pub(crate) fn placed(change: impl FnOnce(&mut OrderPlaced)) -> Input {
    let mut envelope = golden(EventType::OrderPlaced);
    let Event::OrderPlaced(placed) = &mut envelope.event else { panic!("the golden file is order.placed") };
    change(placed);
    Input::Event(Box::new(envelope))
}

/// `order.placed` of a customer who gave nothing but an e-mail address.
pub(crate) fn placed_by(email: &str) -> Input {
    placed(|placed| {
        let customer = placed.customer.as_mut().expect("the golden file has a customer");
        (customer.email, customer.phone) = (Some(email.to_owned()), None);
    })
}

pub(crate) fn report(post: &Post, delivery: Delivery) -> Input {
    Input::Report(Report { message: post.message, attempt: post.attempt, delivery })
}

pub(crate) fn later() -> Delivery {
    Delivery::Later { why: "421 try again".to_owned() }
}

pub(crate) fn never() -> Delivery {
    Delivery::Never { why: "550 no such mailbox".to_owned() }
}

pub(crate) fn unknown() -> Delivery {
    Delivery::Unknown { why: "the server fell silent".to_owned() }
}

pub(crate) const SEND: Input = Input::Timer(NotificationTimer::Send);
pub(crate) const RECIPIENT: Input = Input::Timer(NotificationTimer::Recipient);

/// One decision from `state`, at `at`.
pub(crate) fn step_at(state: &State, input: &Input, at: DateTime<Utc>) -> NotificationDecision {
    decide(&Policy::default(), state, input, at)
}

pub(crate) fn step(state: &State, input: &Input) -> NotificationDecision {
    step_at(state, input, now())
}

/// Where a sequence of inputs leads.
pub(crate) fn after(inputs: &[Input]) -> State {
    inputs.iter().fold(State::default(), |state, input| step(&state, input).state)
}

pub(crate) fn posts(decision: &NotificationDecision) -> Vec<Post> {
    decision.effects.iter().map(|Effect::Send(post)| (**post).clone()).collect()
}

/// The types a decision says.
pub(crate) fn types(decision: &NotificationDecision) -> Vec<EventType> {
    decision.emit.iter().map(Event::event_type).collect()
}

pub(crate) fn armed(
    decision: &NotificationDecision,
    timer: NotificationTimer,
) -> Option<std::time::Duration> {
    decision.timers.iter().find_map(|change| match change {
        TimerChange::Arm(armed, wait) if *armed == timer => Some(*wait),
        TimerChange::Arm(..) | TimerChange::Disarm(_) => None,
    })
}

pub(crate) fn disarmed(decision: &NotificationDecision, timer: NotificationTimer) -> bool {
    decision.timers.contains(&TimerChange::Disarm(timer))
}

/// Channel and template of each message.
pub(crate) fn told(messages: &[Message]) -> Vec<(&'static str, &'static str)> {
    let word = |message: &Message| notification_service::state::channel_word(message.channel);
    messages.iter().map(|message| (word(message), message.letter.news.template())).collect()
}

//! A path through the model as a story: one line a step, who, what came in, what was said.

use std::fmt::Write as _;

use crate::{
    cast::{Cause, Seat, Wish},
    model::{Action, SagaModel},
    outside::Call,
    saga::Saga,
    world::World,
};

/// Tells what happened, from the states and the actions that led on from them.
#[must_use]
pub fn tell<S: Saga>(model: &S, path: &[(S::State, Option<S::Action>)]) -> String {
    let mut story = String::new();
    for (step, (state, action)) in path.iter().enumerate() {
        if let Some(action) = action {
            let _ = writeln!(story, "{:>4}. {}", step + 1, model.line(state, *action));
        }
    }
    if let Some((end, _)) = path.last() {
        let _ = writeln!(story, "      end: {}", model.standing(end));
    }
    story
}

/// The states on the way that these actions lead, as [`tell`] wants them. An action that changes nothing
/// leaves its state as it is.
pub(crate) fn walk<S: Saga>(
    model: &S,
    start: S::State,
    actions: &[S::Action],
) -> Vec<(S::State, Option<S::Action>)> {
    let mut state = start;
    let mut path = Vec::new();
    for action in actions {
        path.push((state, Some(*action)));
        state = model.next_state(&state, *action).unwrap_or(state);
    }
    path.push((state, None));
    path
}

/// Goes the way a story tells: each step is the beginning of a line as [`tell`] writes it, without
/// its number. Numbers of events differ from model to model; words do not.
///
/// # Errors
/// The first step that cannot happen, with what can.
pub fn replay<S: Saga>(model: &S, steps: &[&str]) -> Result<S::State, String> {
    let mut state = model.init_states()[0];
    for step in steps {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        let plain = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told: Vec<_> = actions.iter().map(|action| plain(model.line(&state, *action))).collect();
        let next = told.iter().position(|told| told.starts_with(step)).map(|found| actions[found]);
        let next = next.and_then(|action| model.next_state(&state, action));
        state = next.ok_or_else(|| format!("`{step}` cannot happen; what can:\n{}", told.join("\n")))?;
    }
    Ok(state)
}

/// Where everybody stands.
pub(crate) fn standing(world: &World) -> String {
    format!(
        "order {} (compensation {}), stock {}, payment {}, shipping {}; gateway {:?}, carrier {:?}",
        world.order.progress.as_str(),
        world.order.compensation.as_str(),
        if world.stock.holds() { "held" } else { "free" },
        world.payment.as_str(),
        world.shipping.as_str(),
        world.outside.charge,
        world.outside.booking,
    )
}

/// A step of one order: who, what came in, what was said.
pub(crate) fn line(model: &SagaModel, world: &World, action: Action) -> String {
    let event = |number| model.events.event_type(number).as_str();
    let decided = |seat: Seat, what: String, cause| {
        format!("{:<9} {what}{}", seat.service().name(), consequences(model, world, seat, cause))
    };
    match action {
        Action::Deliver(seat, number) => {
            decided(seat, format!("hears {}", event(number)), Cause::Event(number))
        }
        Action::DeliverForgotten(seat, number) => {
            let what = format!("hears {} a second time and has forgotten the first", event(number));
            decided(seat, what, Cause::Event(number))
        }
        Action::DeliverAgain(seat, number) => {
            format!(
                "{:<9} hears {} again, resent, and repeats its answer",
                seat.service().name(),
                event(number)
            )
        }
        Action::Lose(seat, number) => format!("{:<9} never gets {}", seat.service().name(), event(number)),
        Action::Fire(seat, timer) => {
            decided(seat, format!("timer {}", model.timer_name(seat, timer)), Cause::Timer(timer))
        }
        Action::Arrive(call, granted) => outside(world, call, granted, ""),
        Action::ArriveLate(call, granted) => outside(world, call, granted, ", late, nobody hears it"),
        Action::Vanish(call) => format!("{:<9} never gets the call {call:?}", callee(call)),
        Action::Hear(word) => {
            let seat = if word.is_of_gateway() { Seat::Payment } else { Seat::Shipping };
            decided(seat, format!("is answered {word:?}"), Cause::Word(word))
        }
        Action::Silence(call) => {
            let seat = if call.asked().is_some() { Seat::Payment } else { Seat::Shipping };
            decided(seat, format!("gets no answer to {call:?}"), Cause::Silence(call))
        }
        Action::Crash(seat) => {
            format!("{:<9} crashes, and will never hear the answers it waits for", seat.service().name())
        }
        Action::CarrierMoves => "carrier   moves the parcel on".to_owned(),
        Action::Wish(seat, wish) => decided(seat, wished(wish).to_owned(), Cause::Wish(wish)),
    }
}

const fn wished(wish: Wish) -> &'static str {
    match wish {
        Wish::Place => "is asked for an order",
        Wish::Cancel => "is asked to cancel",
        Wish::Approve => "a reviewer approves",
        Wish::Reject => "a reviewer rejects",
        Wish::FoundCaptured => "an operator says the charge was captured",
        Wish::NotFound => "an operator says the charge was not captured",
        Wish::RetryRefund => "an operator retries the refund",
        Wish::ReportDispatched => "the carrier reports that it has the parcel",
        Wish::ReportDelivered => "the carrier reports that the parcel arrived",
    }
}

fn callee(call: Call) -> &'static str {
    if call.asked().is_some() { "gateway" } else { "carrier" }
}

fn outside(world: &World, call: Call, granted: bool, how: &str) -> String {
    let mut after = world.outside;
    let word = after.arrive(call, granted);
    format!("{:<9} gets the call {call:?}{how}: {word:?}", callee(call))
}

fn consequences(model: &SagaModel, world: &World, seat: Seat, cause: Cause) -> String {
    let Some(decided) = model.decision(world, seat, cause) else { return ": refused".to_owned() };
    let mut text = String::new();
    let said: Vec<_> = decided.said.iter().map(|said| said.event_type.as_str()).collect();
    if !said.is_empty() {
        let _ = write!(text, " → {}", said.join(", "));
    }
    let calls: Vec<_> = decided.calls.iter().map(|call| format!("{call:?}")).collect();
    if !calls.is_empty() {
        let _ = write!(text, " → calls {}", calls.join(", "));
    }
    for again in &decided.resend {
        let _ = write!(text, " → {again} again");
    }
    if !decided.note.is_empty() {
        let _ = write!(text, "  ({})", decided.note);
    }
    text
}

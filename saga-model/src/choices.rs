//! What may happen next in a state of the model.

use crate::{
    cast::{Seat, Wish},
    memo::fingerprint,
    model::{Action, SagaModel},
    outside::{Booking, Call, Charge},
    properties,
    saga::Saga,
    scenario::Scenario,
    set::Listed,
    story,
    world::World,
};

impl Saga for SagaModel {
    /// A reviewer decides what is laid before them: that is ordinary work.
    fn ordinary(&self, world: &World, actions: &mut Vec<Action>) {
        for seat in Seat::ALL.iter().copied() {
            let chair = world.chair(seat);
            actions.extend(chair.due.iter().map(|number| Action::Deliver(seat, number)));
            actions.extend(chair.asked_again.iter().map(|number| Action::DeliverAgain(seat, number)));
            let timers = chair.timers & self.may_fire[seat.place()];
            let fire = |timer: &u8| timers & (1 << timer) != 0 && self.is_time_for(world, seat);
            actions.extend((0..8).filter(fire).map(|timer| Action::Fire(seat, timer)));
        }
        for call in world.calls.iter() {
            actions.push(Action::Arrive(call, true));
            actions.extend(self.may_refuse(world, call).then_some(Action::Arrive(call, false)));
            actions.extend(self.scenario.silence.then_some(Action::Silence(call)));
        }
        for call in world.strays.iter() {
            actions.push(Action::ArriveLate(call, true));
            actions.extend(self.may_refuse(world, call).then_some(Action::ArriveLate(call, false)));
            actions.push(Action::Vanish(call));
        }
        actions.extend(world.words.iter().map(Action::Hear));
        match world.outside.booking {
            Booking::Booked => actions.push(Action::CarrierMoves),
            Booking::Dispatched => {
                actions.push(Action::CarrierMoves);
                actions.push(Action::Wish(Seat::Shipping, Wish::ReportDispatched));
            }
            Booking::Delivered => actions.push(Action::Wish(Seat::Shipping, Wish::ReportDelivered)),
            Booking::Fresh | Booking::Refused | Booking::Cancelled => {}
        }
        if world.review == Some(ai_domain::ReviewStatus::Open) {
            actions.push(Action::Wish(Seat::Ai, Wish::Approve));
            actions.push(Action::Wish(Seat::Ai, Wish::Reject));
        }
    }

    fn extraordinary(&self, world: &World, actions: &mut Vec<Action>) {
        let budget = &world.budget;
        if budget.cancels > 0 {
            actions.push(Action::Wish(Seat::Order, Wish::Cancel));
        }
        if budget.operations > 0 {
            use payment_domain::Status;
            if world.payment == Status::Unresolved {
                actions.push(Action::Wish(Seat::Payment, Wish::NotFound));
                let found = matches!(world.outside.charge, Charge::Captured);
                actions.extend(found.then_some(Action::Wish(Seat::Payment, Wish::FoundCaptured)));
            } else if world.payment == Status::RefundStuck {
                actions.push(Action::Wish(Seat::Payment, Wish::RetryRefund));
            }
        }
        if budget.crashes > 0 {
            let crash = |seat: &Seat| waits_outside(world, *seat);
            actions.extend([Seat::Payment, Seat::Shipping].into_iter().filter(crash).map(Action::Crash));
        }
        for seat in Seat::ALL.iter().copied() {
            if budget.losses > 0 {
                actions.extend(world.chair(seat).due.iter().map(|number| Action::Lose(seat, number)));
            }
            if budget.forgotten > 0 {
                let handled = world.said.iter().filter(|number| self.is_handled(world, seat, *number));
                actions.extend(handled.map(|number| Action::DeliverForgotten(seat, number)));
            }
        }
    }

    fn is_an_end(&self, world: &World) -> bool {
        properties::is_an_end(world)
    }

    fn is_impatient(&self, action: Action) -> bool {
        matches!(action, Action::Fire(..) | Action::Silence(_))
    }

    fn fingerprint(&self, action: Action) -> u64 {
        // An event's number is a matter of this run; what it says is not.
        let (nameless, number) = match action {
            Action::Deliver(seat, number) => (Action::Deliver(seat, 0), Some(number)),
            Action::DeliverAgain(seat, number) => (Action::DeliverAgain(seat, 0), Some(number)),
            Action::DeliverForgotten(seat, number) => (Action::DeliverForgotten(seat, 0), Some(number)),
            Action::Lose(seat, number) => (Action::Lose(seat, 0), Some(number)),
            Action::Fire(..)
            | Action::Arrive(..)
            | Action::ArriveLate(..)
            | Action::Vanish(_)
            | Action::Hear(_)
            | Action::Silence(_)
            | Action::Crash(_)
            | Action::CarrierMoves
            | Action::Wish(..) => (action, None),
        };
        fingerprint(&(nameless, number.map(|number| self.events.fingerprint(number))))
    }

    fn line(&self, world: &World, action: Action) -> String {
        story::line(self, world, action)
    }

    fn standing(&self, world: &World) -> String {
        story::standing(world)
    }
}

impl SagaModel {
    /// A question may be asked again while its answer is under way only in impatient scenarios, and
    /// inventory asks as often as the scenario allows.
    fn is_time_for(&self, world: &World, seat: Seat) -> bool {
        match seat {
            Seat::Payment | Seat::Shipping => self.scenario.impatience || !waits_outside(world, seat),
            Seat::Inventory => world.budget.questions > 0,
            Seat::Order | Seat::Ai => true,
        }
    }

    fn may_refuse(&self, world: &World, call: Call) -> bool {
        world.outside.is_free_to_refuse(call) && (call != Call::Refund || self.scenario.refund_refused)
    }
}

/// Whether a participant has a call or an answer under way.
fn waits_outside(world: &World, seat: Seat) -> bool {
    let gateway = seat == Seat::Payment;
    world.calls.iter().any(|call| call.asked().is_some() == gateway)
        || world.words.iter().any(|word| word.is_of_gateway() == gateway)
}

/// Which of a participant's timers the scenario lets fire, by place, as bits.
pub(crate) fn may_fire(scenario: &Scenario, seat: Seat, names: &[&str]) -> u8 {
    let fires = |name: &str| match (seat, name) {
        (Seat::Order, "confirmation") | (Seat::Inventory, _) | (Seat::Ai, _) | (Seat::Payment, "verdict") => {
            scenario.deadlines
        }
        (Seat::Order, _) => scenario.watches,
        (Seat::Payment | Seat::Shipping, "give_up") => scenario.giving_up,
        (Seat::Shipping, "poll" | "overdue") => scenario.polls,
        (Seat::Payment | Seat::Shipping, _) => true,
    };
    names.iter().enumerate().filter(|(_, name)| fires(name)).map(|(place, _)| 1 << place).sum()
}

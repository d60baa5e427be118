//! The model itself: who takes part, and what follows from each step.
//!
//! A step is one transaction of one participant (rule and saga log as in the chassis), one arrival
//! outside, or one step of the carrier. A crash between decision and commit leaves everything as it
//! was, and between commit and publish the event is merely late: both are steps that are not taken.
//! What a crash does lose are calls and their answers; that is [`Action::Crash`].

use shared_events::EventType;
use stateright::{Model, Property};

use crate::{
    actors::{Fraud, Inventory, Orders, Payments, Shelf, Shipments},
    cast::{Cause, Seat, Wish},
    choices::may_fire,
    memo::{Events, Move, Participant, Remembered, Said},
    mutants::Mutant,
    outside::{Booking, Call, Word},
    properties,
    saga::Saga,
    scenario::Scenario,
    set::{Listed, Numbers},
    world::{CLOSERS, World},
};

/// One order and everything that may happen to it in one scenario.
pub struct SagaModel {
    pub(crate) scenario: Scenario,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) events: Events,
    cast: Vec<Box<dyn Participant>>,
    /// Which timers of each participant may fire, by place, as bits.
    pub(crate) may_fire: Vec<u8>,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An event reaches a participant that has not handled it.
    Deliver(Seat, u8),
    /// An event that was sent again on purpose reaches a participant.
    DeliverAgain(Seat, u8),
    /// An event reaches a participant whose saga log has forgotten that it was handled.
    DeliverForgotten(Seat, u8),
    /// A delivery vanishes.
    Lose(Seat, u8),
    /// A timer fires.
    Fire(Seat, u8),
    /// A call arrives and is granted, or refused.
    Arrive(Call, bool),
    /// A call nobody waits for arrives all the same.
    ArriveLate(Call, bool),
    /// A call nobody waits for never arrives.
    Vanish(Call),
    /// An answer is heard.
    Hear(Word),
    /// Nothing comes back from a call.
    Silence(Call),
    /// A participant crashes; what it waits for from outside is lost to it.
    Crash(Seat),
    /// The carrier fetches the parcel, or hands it to the customer.
    CarrierMoves,
    /// A person, or the carrier, wants something.
    Wish(Seat, Wish),
}

impl SagaModel {
    /// A scenario, with one planted fault or none.
    #[must_use]
    pub fn new(scenario: Scenario, mutant: Option<Mutant>) -> Self {
        use payment_domain::{FraudFallback, FraudMode};
        use shared_events::events::fraud::Verdict;
        let (mode, fallback, verdict) =
            scenario.fraud.unwrap_or((FraudMode::Observe, FraudFallback::FailOpen, Verdict::Approve));
        let cast: Vec<Box<dyn Participant>> = vec![
            Box::new(Remembered::new(Orders::new(mutant), vec![Default::default()])),
            Box::new(Remembered::new(Inventory::new(mutant), vec![Shelf::with(1), Shelf::with(0)])),
            Box::new(Remembered::new(Payments::new(mode, fallback, mutant), vec![Default::default()])),
            Box::new(Remembered::new(Shipments::new(mutant), vec![Default::default()])),
            Box::new(Remembered::new(Fraud::new(verdict), vec![Default::default()])),
        ];
        let may_fire =
            Seat::ALL.iter().map(|seat| may_fire(&scenario, *seat, &cast[seat.place()].timers())).collect();
        Self { scenario, mutant, events: Events::new(), cast, may_fire }
    }

    /// Whether that participant takes part in the scenario at all.
    fn is_cast(&self, seat: Seat) -> bool {
        seat != Seat::Ai || self.scenario.fraud.is_some()
    }

    /// The name of a timer.
    pub(crate) fn timer_name(&self, seat: Seat, timer: u8) -> &'static str {
        self.cast[seat.place()].timers()[usize::from(timer)]
    }

    /// What a participant decides in this state.
    pub(crate) fn decision(&self, world: &World, seat: Seat, cause: Cause) -> Option<std::sync::Arc<Move>> {
        self.cast[seat.place()].hear(world.chair(seat).state, cause, &self.events)
    }

    fn decide(&self, world: &mut World, seat: Seat, cause: Cause) -> bool {
        let Some(decided) = self.decision(world, seat, cause) else { return false };
        let chair = world.chair_mut(seat);
        chair.state = decided.state;
        chair.timers = (chair.timers & !decided.touched) | (decided.armed & decided.touched);
        world.stand(decided.standing);
        for said in &decided.said {
            self.say(world, *said);
        }
        for event_type in &decided.resend {
            self.resend(world, *event_type);
        }
        for call in &decided.calls {
            world.calls.add(*call);
        }
        true
    }

    /// Lets one order's inventory see the shelf as another order's has left it.
    pub(crate) fn share(&self, left: u16, world: &mut World) {
        let inventory = &self.cast[Seat::Inventory.place()];
        let chair = world.chair_mut(Seat::Inventory);
        chair.state = inventory.sharing(chair.state, left);
        let seen = inventory.standing(chair.state);
        world.stand(seen);
    }

    fn say(&self, world: &mut World, mut said: Said) {
        let closed = CLOSERS.iter().find(|closers| closers.contains(&said.event_type));
        if closed.is_some_and(|closers| closers.iter().any(|closer| world.types.has(*closer))) {
            world.said_twice = true;
        }
        while world.said.has(said.number) {
            said = self.events.said_again(said);
        }
        world.said.add(said.number);
        world.types.add(said.event_type);
        for seat in said.hearers.iter().filter(|seat| self.is_cast(*seat)) {
            world.chair_mut(seat).due.add(said.number);
        }
    }

    /// Says again what was said. As long as nothing was lost this changes nothing: all that was said
    /// is on its way or handled, and a handled event only leads to more resends.
    fn resend(&self, world: &mut World, event_type: EventType) {
        let Some(lost) = world.lost else { return };
        for number in world.said.iter().filter(|number| self.events.event_type(*number) == event_type) {
            for seat in self.events.hearers(number).iter().filter(|seat| self.is_cast(*seat)) {
                if lost == (seat, number) {
                    world.chair_mut(seat).due.add(number);
                    world.lost = None;
                } else if !world.chair(seat).due.has(number) {
                    world.chair_mut(seat).asked_again.add(number);
                }
            }
        }
        if world.lost.is_none() {
            for chair in &mut world.chairs {
                chair.asked_again = Default::default();
            }
        }
    }

    pub(crate) fn is_handled(&self, world: &World, seat: Seat, number: u8) -> bool {
        self.is_cast(seat)
            && self.events.hearers(number).has(seat)
            && !world.chair(seat).due.has(number)
            && world.lost != Some((seat, number))
    }

    /// Whether every participant that decided for a second time on an event it has handled would stay
    /// as it is, say nothing new and call nobody: what its saga log sees to, seen to by its rule.
    ///
    /// In one pair only the log does: a question about the hold that the order left unanswered because a
    /// reviewer was at work. Heard again after the review, it would end the order.
    pub(crate) fn second_deliveries_change_nothing(&self, world: &World) -> bool {
        let mut handled = [Numbers::default(); 5];
        for number in world.said.iter() {
            let event_type = self.events.event_type(number);
            for seat in self.events.hearers(number).iter() {
                let needs_log = (seat, event_type) == (Seat::Order, EventType::InventoryHoldExpired);
                if !needs_log && self.is_handled(world, seat, number) {
                    handled[seat.place()].add(number);
                }
            }
        }
        let deaf = |seat: &Seat| {
            let (state, cast) = (world.chair(*seat).state, &self.cast[seat.place()]);
            cast.is_deaf_to(state, handled[seat.place()], &self.events)
        };
        Seat::ALL.iter().all(deaf)
    }

    /// Whether nothing will ever happen any more unless a customer or an operator wants it, however
    /// often things are asked again.
    #[must_use]
    pub fn is_at_rest(&self, world: &World) -> bool {
        let (mut seen, mut open) = (vec![*world], vec![*world]);
        let mut actions = Vec::new();
        while let Some(world) = open.pop() {
            if world.is_anything_under_way() {
                return false;
            }
            self.ordinary(&world, &mut actions);
            for next in actions.drain(..).filter_map(|action| self.next_state(&world, action)) {
                if !seen.contains(&next) {
                    seen.push(next);
                    open.push(next);
                }
            }
        }
        true
    }
}

impl Model for SagaModel {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        // With and without the piece that is ordered on the shelf.
        [0, 1]
            .map(|shelf| {
                let mut world = World { budget: self.scenario.budget, ..World::default() };
                world.chair_mut(Seat::Inventory).state = shelf;
                world.stand(self.cast[Seat::Inventory.place()].standing(shelf));
                self.decide(&mut world, Seat::Order, Cause::Wish(Wish::Place));
                world
            })
            .to_vec()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.ordinary(world, actions);
        self.extraordinary(world, actions);
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = *before;
        match action {
            Action::Deliver(seat, number) => {
                world.chair_mut(seat).due.remove(number);
                self.decide(&mut world, seat, Cause::Event(number));
            }
            Action::DeliverAgain(seat, number) => {
                world.chair_mut(seat).asked_again.remove(number);
                let asked = self.events.event_type(number);
                for answer in self.cast[seat.place()].answers(world.chair(seat).state, asked) {
                    self.resend(&mut world, answer);
                }
            }
            Action::DeliverForgotten(seat, number) => {
                world.budget.forgotten -= 1;
                self.decide(&mut world, seat, Cause::Event(number));
            }
            Action::Lose(seat, number) => {
                world.budget.losses -= 1;
                world.chair_mut(seat).due.remove(number);
                world.lost = Some((seat, number));
            }
            Action::Fire(seat, timer) => {
                if seat == Seat::Inventory {
                    world.budget.questions -= 1;
                }
                world.chair_mut(seat).timers &= !(1 << timer);
                self.decide(&mut world, seat, Cause::Timer(timer));
            }
            Action::Arrive(call, granted) => {
                world.calls.remove(call);
                let word = world.outside.arrive(call, granted);
                world.words.add(word);
            }
            Action::ArriveLate(call, granted) => {
                world.strays.remove(call);
                world.outside.arrive(call, granted);
            }
            Action::Vanish(call) => world.strays.remove(call),
            Action::Hear(word) => {
                world.words.remove(word);
                let seat = if word.is_of_gateway() { Seat::Payment } else { Seat::Shipping };
                self.decide(&mut world, seat, Cause::Word(word));
            }
            Action::Silence(call) => {
                world.calls.remove(call);
                stray(&mut world, call);
                let seat = if call.asked().is_some() { Seat::Payment } else { Seat::Shipping };
                self.decide(&mut world, seat, Cause::Silence(call));
            }
            Action::Crash(seat) => crash(&mut world, seat),
            Action::CarrierMoves => {
                let on = world.outside.booking == Booking::Dispatched;
                world.outside.booking = if on { Booking::Delivered } else { Booking::Dispatched };
            }
            Action::Wish(seat, wish) => {
                if !self.decide(&mut world, seat, Cause::Wish(wish)) {
                    return None;
                }
                match wish {
                    Wish::Cancel => world.budget.cancels -= 1,
                    Wish::FoundCaptured | Wish::NotFound | Wish::RetryRefund => world.budget.operations -= 1,
                    Wish::Place | Wish::Approve | Wish::Reject => {}
                    Wish::ReportDispatched | Wish::ReportDelivered => {}
                }
            }
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of_one(&self.scenario, self.mutant.is_some())
    }
}

/// Nobody waits for the call any more. A question that changes nothing outside is forgotten.
fn stray(world: &mut World, call: Call) {
    if call.does_something() {
        world.strays.add(call);
    }
}

fn crash(world: &mut World, seat: Seat) {
    world.budget.crashes -= 1;
    let gateway = seat == Seat::Payment;
    for call in world.calls.iter().filter(|call| call.asked().is_some() == gateway) {
        world.calls.remove(call);
        stray(world, call);
    }
    for word in world.words.iter().filter(|word| word.is_of_gateway() == gateway) {
        world.words.remove(word);
    }
}

//! The model itself: what may happen next, and what follows from it.
//!
//! A step is one transaction of one participant (rule and saga log as in the chassis), one arrival
//! outside, or one step of the carrier. A crash between decision and commit leaves everything as it
//! was, and between commit and publish the event is merely late: both are steps that are not taken.
//! What a crash does lose are calls and their answers; that is [`Action::Crash`].

use stateright::{Model, Property};

use crate::{
    actors::{Fraud, Inventory, Orders, Payments, Shelf, Shipments},
    cast::{Cause, Seat, Wish},
    memo::{Events, Move, Participant, Remembered, Said},
    mutants::Mutant,
    outside::{Booking, Call, Charge, Word},
    properties,
    scenario::Scenario,
    set::Listed,
    world::{CLOSERS, World},
};

/// One order and everything that may happen to it in one scenario.
pub struct SagaModel {
    pub(crate) scenario: Scenario,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) events: Events,
    cast: Vec<Box<dyn Participant>>,
    /// Which timers of each participant may fire, by place, as bits.
    may_fire: Vec<u8>,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An event reaches a participant that has not handled it.
    Deliver(Seat, u8),
    /// An event that was sent again on purpose reaches a participant.
    DeliverAgain(Seat, u8),
    /// An event reaches a participant whose saga log has forgotten it: a planted fault.
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
        let may_fire = Seat::ALL.iter().map(|seat| may_fire(&scenario, *seat, &cast[seat.place()].timers())).collect();
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
    fn resend(&self, world: &mut World, event_type: shared_events::EventType) {
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

    fn is_handled(&self, world: &World, seat: Seat, number: u8) -> bool {
        self.events.hearers(number).has(seat)
            && !world.chair(seat).due.has(number)
            && world.lost != Some((seat, number))
    }

    /// Everything that happens without a person or bad luck.
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

    /// People and bad luck, within the scenario's budget.
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

    /// Whether nothing will happen any more unless a person wants it.
    #[must_use]
    pub fn is_at_rest(&self, world: &World) -> bool {
        if world.is_anything_under_way() {
            return false;
        }
        let mut actions = Vec::new();
        self.ordinary(world, &mut actions);
        actions.into_iter().all(|action| self.next_state(world, action).is_none())
    }

    fn arrive(&self, world: &mut World, call: Call, granted: bool) -> Word {
        world.outside.arrive(call, granted)
    }
}

/// Whether a participant has a call or an answer under way.
fn waits_outside(world: &World, seat: Seat) -> bool {
    let gateway = seat == Seat::Payment;
    world.calls.iter().any(|call| call.asked().is_some() == gateway)
        || world.words.iter().any(|word| word.is_of_gateway() == gateway)
}

fn may_fire(scenario: &Scenario, seat: Seat, names: &[&str]) -> u8 {
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

impl Model for SagaModel {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        // With and without the piece that is ordered on the shelf.
        [0, 1].map(|shelf| {
            let mut world = World { budget: self.scenario.budget, ..World::default() };
            world.chair_mut(Seat::Inventory).state = shelf;
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
                let word = self.arrive(&mut world, call, granted);
                world.words.add(word);
            }
            Action::ArriveLate(call, granted) => {
                world.strays.remove(call);
                self.arrive(&mut world, call, granted);
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
        properties::all(&self.scenario, self.mutant.is_some())
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

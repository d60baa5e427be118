//! The first oracle: every order folded purely in memory through the participant's own `decide`,
//! one input after the other, without batches, transactions or tables.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chassis::{Participant, trial::Became};
use chrono::{DateTime, SubsecRound as _, Utc};
use shared_events::{
    CorrelationId, Decision, Envelope, Event, EventId, EventType, OrderId, Outcome, Timer as _, TimerChange,
};

/// An input with all that a batch is told about it.
pub(super) enum Told<P: Participant> {
    Event { envelope: Box<Envelope>, resent: bool },
    Timer { order: OrderId, timer: P::Timer, armed_by: Option<Behind>, correlation: CorrelationId },
    Outcome { order: OrderId, input: P::Input, caused_by: Option<Behind>, correlation: CorrelationId },
    Command { order: OrderId, input: P::Input, correlation: CorrelationId },
}

impl<P: Participant> Told<P> {
    pub(super) const fn order(&self) -> OrderId {
        match self {
            Self::Event { envelope, .. } => OrderId(envelope.aggregate_id),
            Self::Timer { order, .. } | Self::Outcome { order, .. } | Self::Command { order, .. } => *order,
        }
    }
}

/// The event behind something. Ids of our own events are drawn by the engine, so the model knows
/// them by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    Heard(EventId),
    Said(OrderId, usize),
}

/// All orders of a story, and the rows they share.
pub struct Model<P: Participant> {
    pub(super) orders: BTreeMap<OrderId, Kept<P>>,
    heard: HashSet<EventId>,
    world: P::World,
    batch: u32,
}

/// What the model keeps of one order.
pub struct Kept<P: Participant> {
    /// Where its inputs have led.
    pub state: P::State,
    /// Every decision about it, in sequence.
    pub decided: Vec<Decided<P>>,
    pub(super) log: Vec<Logged>,
    pub(super) said: Vec<Said>,
    pub(super) timers: BTreeMap<&'static str, Armed>,
    pub(super) last_effect: Option<Option<Behind>>,
}

/// One decision.
pub struct Decided<P: Participant> {
    /// The state before it.
    pub before: P::State,
    /// What was decided about.
    pub input: P::Input,
    /// The state after it.
    pub after: P::State,
    /// The effects it asked for.
    pub effects: Vec<P::Effect>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A row that must be in the saga log.
pub(super) struct Logged {
    pub(super) event: Option<EventId>,
    pub(super) input: String,
    pub(super) outcome: Outcome,
    pub(super) note: String,
    pub(super) correlation: CorrelationId,
    pub(super) causation: Option<Behind>,
    /// Places in `said` of what was emitted, then the types that were said again.
    pub(super) emitted: std::ops::Range<usize>,
    pub(super) resent: Vec<EventType>,
    pub(super) at: DateTime<Utc>,
}

/// A row that must be in the outbox.
pub(super) struct Said {
    pub(super) event: Event,
    pub(super) correlation: CorrelationId,
    pub(super) causation: Option<Behind>,
    pub(super) at: DateTime<Utc>,
    pub(super) resends: i32,
    /// Found in the outbox after the commit.
    pub(super) id: Option<EventId>,
}

/// A row that must be among the timers.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    pub(super) due_at: DateTime<Utc>,
    pub(super) armed_by: Option<Behind>,
    pub(super) correlation: CorrelationId,
    /// In which batch. Within it nobody can have seen the timer due.
    batch: u32,
}

/// An effect that must have been started.
pub(super) struct Started<P: Participant> {
    pub(super) order: OrderId,
    pub(super) effect: P::Effect,
    pub(super) caused_by: Option<Behind>,
    pub(super) correlation: CorrelationId,
}

/// What a batch must leave.
pub(super) struct Leaves<P: Participant> {
    pub(super) became: Vec<Became>,
    pub(super) started: Vec<Started<P>>,
    /// Places of what goes to the broker: what is new, and once each what is said again.
    pub(super) outgoing: BTreeSet<(OrderId, usize)>,
}

/// Where an input comes from.
struct Cause {
    event: Option<EventId>,
    behind: Option<Behind>,
    correlation: CorrelationId,
}

impl<P: Participant> Model<P> {
    pub(super) fn new(world: P::World, orders: &[OrderId]) -> Self {
        let kept = |order: &OrderId| {
            let kept = Kept {
                state: P::State::default(),
                decided: Vec::new(),
                log: Vec::new(),
                said: Vec::new(),
                timers: BTreeMap::new(),
                last_effect: None,
            };
            (*order, kept)
        };
        Self { orders: orders.iter().map(kept).collect(), heard: HashSet::new(), world, batch: 0 }
    }

    /// The rows that orders share, as the decisions have left them.
    pub const fn world(&self) -> &P::World {
        &self.world
    }

    /// Every order of the story.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, &Kept<P>)> {
        self.orders.iter().map(|(order, kept)| (*order, kept))
    }

    /// The id behind something, once it is known.
    pub(super) fn id(&self, behind: Option<Behind>) -> Option<EventId> {
        match behind? {
            Behind::Heard(event) => Some(event),
            Behind::Said(order, place) => self.orders[&order].said[place].id,
        }
    }

    /// Takes inputs one after the other, at that time.
    pub(super) fn take(&mut self, participant: &P, told: &[Told<P>], at: DateTime<Utc>) -> Leaves<P> {
        let mut leaves = Leaves { became: Vec::new(), started: Vec::new(), outgoing: BTreeSet::new() };
        let mut again = BTreeSet::new();
        self.batch += 1;
        for one in told {
            let became = self.take_one(participant, one, at, &mut leaves, &mut again);
            leaves.became.push(became);
        }
        // What is said again is, at the end of the batch, the newest of its type; several wishes for
        // it are met by one sending.
        for (order, event_type) in again {
            let kept = self.kept(order);
            if let Some(place) = kept.said.iter().rposition(|said| said.event.event_type() == event_type) {
                kept.said[place].resends += 1;
                leaves.outgoing.insert((order, place));
            }
        }
        leaves
    }

    fn kept(&mut self, order: OrderId) -> &mut Kept<P> {
        self.orders.get_mut(&order).expect("a story knows its orders from the start")
    }

    fn take_one(
        &mut self,
        participant: &P,
        told: &Told<P>,
        at: DateTime<Utc>,
        leaves: &mut Leaves<P>,
        again: &mut BTreeSet<(OrderId, EventType)>,
    ) -> Became {
        let (order, input, cause) = match told {
            Told::Event { envelope, resent } => {
                let order = OrderId(envelope.aggregate_id);
                if !self.heard.insert(envelope.event_id) {
                    if !resent {
                        return Became::Duplicate;
                    }
                    let answers = P::answers(&self.kept(order).state, envelope.event_type());
                    again.extend(answers.into_iter().map(|answer| (order, answer)));
                    return Became::AnsweredAgain;
                }
                let event = Some(envelope.event_id);
                let behind = event.map(Behind::Heard);
                let cause = Cause { event, behind, correlation: envelope.correlation_id };
                (order, P::event_input(envelope), cause)
            }
            Told::Timer { order, timer, armed_by, correlation } => {
                let batch = self.batch;
                let timers = &mut self.kept(*order).timers;
                if timers.get(timer.name()).is_none_or(|armed| armed.due_at > at || armed.batch == batch) {
                    return Became::StaleTimer;
                }
                timers.remove(timer.name());
                let cause = Cause { event: None, behind: *armed_by, correlation: *correlation };
                (*order, P::timer_input(*timer), cause)
            }
            Told::Outcome { order, input, caused_by, correlation } => {
                let cause = Cause { event: None, behind: *caused_by, correlation: *correlation };
                (*order, input.clone(), cause)
            }
            Told::Command { order, input, correlation } => {
                (*order, input.clone(), Cause { event: None, behind: None, correlation: *correlation })
            }
        };
        let decision = match participant.decide(&self.world, &self.orders[&order].state, &input, at) {
            Ok(decision) => decision,
            Err(rejection) => return Became::Rejected(rejection),
        };
        participant.absorb(&mut self.world, order, &decision);
        Became::Decided(self.keep((order, input, cause), decision, at, leaves, again))
    }

    /// Keeps what one decision leads to; says what it emitted.
    fn keep(
        &mut self,
        (order, input, cause): (OrderId, P::Input, Cause),
        decision: chassis::DecisionOf<P>,
        at: DateTime<Utc>,
        leaves: &mut Leaves<P>,
        again: &mut BTreeSet<(OrderId, EventType)>,
    ) -> Vec<EventType> {
        let Decision { state, outcome, note, emit, resend, timers, effects, alarm } = decision;
        let (correlation, batch) = (cause.correlation, self.batch);
        let kept = self.kept(order);
        let first = kept.said.len();
        let types = emit.iter().map(Event::event_type).collect();
        for event in emit {
            // The first event of a command has nothing behind it; it is behind the others.
            let by_command = (kept.said.len() > first).then_some(Behind::Said(order, first));
            let causation = cause.behind.or(by_command);
            kept.said.push(Said { event, correlation, causation, at, resends: 0, id: None });
        }
        let emitted = first..kept.said.len();
        leaves.outgoing.extend(emitted.clone().map(|place| (order, place)));
        again.extend(resend.iter().map(|event_type| (order, *event_type)));
        let last_word = emitted.clone().last().map(|place| Behind::Said(order, place)).or(cause.behind);

        let words = [Some(note), alarm.map(|alarm| format!("ALARM: {alarm}"))];
        let words: Vec<String> = words.into_iter().flatten().filter(|words| !words.is_empty()).collect();
        kept.log.push(Logged {
            event: cause.event,
            input: P::input_name(&input),
            outcome,
            note: words.join("; "),
            correlation,
            causation: cause.behind.filter(|_| cause.event.is_none()),
            emitted,
            resent: resend,
            at,
        });
        for change in timers {
            match change {
                TimerChange::Arm(timer, after) => {
                    // Postgres keeps microseconds.
                    let due_at = (at + after).trunc_subsecs(6);
                    let armed = Armed { due_at, armed_by: last_word, correlation, batch };
                    kept.timers.insert(timer.name(), armed);
                }
                TimerChange::Disarm(timer) => {
                    kept.timers.remove(timer.name());
                }
            }
        }
        for effect in effects.iter().filter(|effect| P::is_outside(effect)) {
            kept.last_effect = Some(last_word);
            let (effect, caused_by) = (effect.clone(), last_word);
            leaves.started.push(Started { order, effect, caused_by, correlation });
        }
        let before = std::mem::replace(&mut kept.state, state.clone());
        kept.decided.push(Decided { before, input, after: state, effects, at });
        types
    }
}

//! The configurations: what may happen in each, and how much of it.

use payment_domain::{FraudFallback, FraudMode};
use shared_events::events::fraud::Verdict;

use crate::world::Budget;

/// What may happen to one order.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// A short name; with `night: ` before it when the scenario takes long.
    pub name: &'static str,
    /// What it adds, for a reader of the table.
    pub what: &'static str,
    /// Whether fraud is assessed, how payment takes it, and what the verdict is.
    pub fraud: Option<(FraudMode, FraudFallback, Verdict)>,
    /// The gateway and the carrier may stay silent, before or after they did what was asked.
    pub silence: bool,
    /// The gateway may refuse a refund.
    pub refund_refused: bool,
    /// Deadlines of the saga may pass at any moment: confirmation, hold, verdict, review.
    pub deadlines: bool,
    /// Payment and shipping may give up asking.
    pub giving_up: bool,
    /// The order's watches may ask again.
    pub watches: bool,
    /// Shipping may ask the carrier by itself how far a parcel is.
    pub polls: bool,
    /// Open questions may be asked again before their answer is there.
    pub impatience: bool,
    /// Two orders want the last piece, instead of one order that finds it or does not.
    pub two_orders: bool,
    /// How often what may happen.
    pub budget: Budget,
}

const NOTHING: Budget =
    Budget { crashes: 0, losses: 0, cancels: 0, operations: 0, questions: 0, forgotten: 0 };

const BASE: Scenario = Scenario {
    name: "outcomes",
    what: "every outcome of stock, gateway and carrier, silence included",
    fraud: None,
    silence: true,
    refund_refused: true,
    deadlines: false,
    giving_up: false,
    watches: false,
    polls: false,
    impatience: false,
    two_orders: false,
    budget: NOTHING,
};

const GATE: FraudMode = FraudMode::Gate;
const OPEN: FraudFallback = FraudFallback::FailOpen;

const EVERYTHING: Scenario = Scenario {
    name: "all at once",
    what: "cancellation, deadlines, giving up, one question about the hold, one crash",
    deadlines: true,
    giving_up: true,
    budget: Budget { crashes: 1, cancels: 1, questions: 1, ..NOTHING },
    ..BASE
};

/// All of them. Each is explored to its end.
pub const SCENARIOS: &[Scenario] = &[
    BASE,
    Scenario {
        name: "cancel",
        what: "the customer wants out, at any moment",
        budget: Budget { cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "deadlines",
        what: "the order's and the hold's deadline pass at any moment",
        deadlines: true,
        budget: Budget { questions: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "crash",
        what: "payment or shipping crashes once while it waits for an answer; shipping polls",
        silence: false,
        polls: true,
        budget: Budget { crashes: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "giving up",
        what: "payment and shipping give up asking, the order's deadline passes",
        deadlines: true,
        giving_up: true,
        ..BASE
    },
    EVERYTHING,
    Scenario {
        name: "people",
        what: "an operator resolves a charge or retries a refund; the customer wants out",
        deadlines: true,
        giving_up: true,
        budget: Budget { operations: 1, cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "late answers",
        what: "questions are asked again while their answers are under way",
        silence: false,
        impatience: true,
        ..BASE
    },
    Scenario {
        name: "loss",
        what: "one delivery vanishes; the order's watches heal it",
        silence: false,
        watches: true,
        deadlines: true,
        budget: Budget { losses: 1, questions: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "forgotten",
        what: "a saga log forgets one event, which is decided twice; the customer wants out",
        silence: false,
        budget: Budget { forgotten: 1, cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "gate, approve",
        what: "the charge waits for the verdict, which lets it pass, or for its deadline",
        fraud: Some((GATE, OPEN, Verdict::Approve)),
        silence: false,
        deadlines: true,
        ..BASE
    },
    Scenario {
        name: "gate, closed",
        what: "the same; at its deadline the order fails",
        fraud: Some((GATE, FraudFallback::FailClosed, Verdict::Approve)),
        silence: false,
        deadlines: true,
        ..BASE
    },
    Scenario {
        name: "gate, reject",
        what: "the charge waits for the verdict, which rejects the order; the customer wants out",
        fraud: Some((GATE, OPEN, Verdict::Reject)),
        silence: false,
        budget: Budget { cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "gate, review",
        what: "the charge waits for a reviewer, the customer may want out",
        fraud: Some((GATE, OPEN, Verdict::Review)),
        silence: false,
        budget: Budget { cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "observe, reject",
        what: "payment does not wait for the verdict, which rejects the order",
        fraud: Some((FraudMode::Observe, OPEN, Verdict::Reject)),
        silence: false,
        ..BASE
    },
    Scenario {
        name: "last unit",
        what: "two orders for the last piece; one customer wants out",
        silence: false,
        refund_refused: false,
        two_orders: true,
        budget: Budget { cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "night: review",
        what: "a review, and every deadline of order, verdict, review and hold",
        fraud: Some((GATE, OPEN, Verdict::Review)),
        silence: false,
        deadlines: true,
        budget: Budget { questions: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "night: late",
        what: "late answers, and the customer wants out",
        silence: false,
        impatience: true,
        budget: Budget { cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "night: loss",
        what: "one delivery vanishes, and the customer wants out",
        silence: false,
        watches: true,
        deadlines: true,
        budget: Budget { losses: 1, questions: 1, cancels: 1, ..NOTHING },
        ..BASE
    },
    Scenario {
        name: "night: forgotten",
        what: "a saga log forgets one event, the customer wants out, and gateway and carrier stay silent",
        budget: Budget { forgotten: 1, cancels: 1, ..NOTHING },
        ..BASE
    },
];

const WILD_BUDGET: Budget =
    Budget { crashes: 2, losses: 1, cancels: 1, operations: 1, questions: 2, forgotten: 1 };

const WILD_BASE: Scenario = Scenario {
    name: "wild: everything",
    what: "two crashes, a loss, a log that forgets, late answers, silence, an operator: all at once",
    deadlines: true,
    giving_up: true,
    watches: true,
    polls: true,
    impatience: true,
    budget: WILD_BUDGET,
    ..BASE
};

/// Those too large to be explored to their end: bounded, and at random.
pub const WILD: &[Scenario] = &[
    Scenario {
        name: "wild: two crashes",
        what: "two crashes, silence, the customer wants out, an operator",
        impatience: false,
        watches: false,
        budget: Budget { losses: 0, forgotten: 0, ..WILD_BUDGET },
        ..WILD_BASE
    },
    Scenario {
        name: "wild: late and lost",
        what: "silence, late answers and a delivery that vanishes, together; the customer wants out",
        budget: Budget { crashes: 0, forgotten: 0, operations: 0, ..WILD_BUDGET },
        ..WILD_BASE
    },
    WILD_BASE,
    Scenario {
        name: "wild: review",
        what: "the same, and a reviewer whom the charge waits for",
        fraud: Some((GATE, OPEN, Verdict::Review)),
        ..WILD_BASE
    },
    Scenario {
        name: "wild: last unit",
        what: "two orders for the last piece, and all of that happens to one or the other",
        two_orders: true,
        budget: Budget { cancels: 2, ..WILD_BUDGET },
        ..WILD_BASE
    },
];

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.iter().chain(WILD).copied().find(|scenario| scenario.name == name)
    }
}

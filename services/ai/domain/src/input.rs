//! What can happen to an assessment.

use shared_events::{Envelope, Timer, events::fraud::Ruling};

/// Anything that can happen to an order here.
// Inputs are moved a handful of times and never kept in bulk; a box would cost an allocation each.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An event of another service, with its time: windows are measured on its sender's clock.
    Event(Envelope),
    /// A wait is over.
    Timer(ReviewTimer),
    /// A person decides a review.
    Review(ReviewCommand),
}

impl Input {
    /// How the saga log names it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Event(envelope) => envelope.event_type().as_str().to_owned(),
            Self::Timer(timer) => format!("timer:{}", timer.name()),
            Self::Review(_) => "command:review".to_owned(),
        }
    }
}

/// A person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReviewCommand {
    /// What.
    pub verdict: Ruling,
    /// Who.
    pub reviewer: String,
    /// Why.
    pub note: Option<String>,
}

/// The one timer: nobody decided a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReviewTimer {
    /// The review's deadline.
    Review,
}

impl Timer for ReviewTimer {
    const ALL: &'static [Self] = &[Self::Review];

    fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
        }
    }
}

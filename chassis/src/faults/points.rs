//! The points: between two steps whose order matters, or where somebody else's code runs.

macro_rules! points {
    ($($(#[doc = $where:literal])+ $point:ident = $name:literal),+ $(,)?) => {
        /// A place where a process can be made to die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Point {
            $($(#[doc = $where])+ $point),+
        }

        /// All points, in the order in which an event passes them.
        pub const POINTS: &[Point] = &[$(Point::$point),+];

        impl Point {
            /// Its name in `FAULT_POINT`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $name),+ }
            }
        }
    };
}

points! {
    /// Just before a rule is asked. The only point that panics instead of aborting: so fails a handler
    /// that has a bug, and its service lives on.
    PanicInDecide = "panic_in_decide",
    /// A batch that holds a timer is written, its transaction not committed: the timer must fire again.
    BeforeTimerCommit = "before_timer_commit",
    /// A batch is written, its transaction not committed.
    BeforeCommit = "before_commit",
    /// It is committed; its events are not with the relay, its effects not started, nobody has an answer.
    AfterCommit = "after_commit",
    /// A command is committed, its events are on their way; whoever gave it has no answer yet.
    BeforeAnswer = "before_answer",
    /// The batch is in the database, its deliveries are not acknowledged.
    BeforeAck = "before_ack",
    /// Between the halves of a retry: the copy is confirmed, the original not acknowledged.
    AfterCopy = "after_copy",
    /// The broker has confirmed events, their rows are not marked.
    ///
    /// There is no point after the mark: nothing that a crash there could lose is left to do.
    AfterConfirm = "after_confirm",
    /// An effect's intent is recorded, the outside world is not called.
    BeforeEffect = "before_effect",
    /// The outside world has answered, the answer is not recorded.
    AfterEffect = "after_effect",
}

impl Point {
    /// The point of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        POINTS.iter().copied().find(|point| point.name() == name)
    }

    /// Whether passing it ends the process; otherwise only the task that passes it.
    #[must_use]
    pub const fn kills(self) -> bool {
        !matches!(self, Self::PanicInDecide)
    }

    /// Whether only a service that calls the outside world passes it.
    #[must_use]
    pub const fn is_of_effects(self) -> bool {
        matches!(self, Self::BeforeEffect | Self::AfterEffect)
    }
}

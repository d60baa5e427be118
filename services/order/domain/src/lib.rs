//! What the order service decides: the rule of one order's progress, and nothing else.
//!
//! The order is the saga's memory of how far things came. It confirms when the money is captured,
//! declares the order dead when a step fails, time runs out or somebody wants out, and then keeps
//! asking until inventory and payment have both accounted for what they held.
//!
//! * [`State`]: all that is known of one order.
//! * [`decide`]: one input (an event, a timer) and where it leads. Pure and total.
//! * [`command`]: what people ask for; the only thing that may be refused.
//! * [`answers`]: the current word, said again when somebody asks again.
//!
//! The stories are told one a file: before confirmation, shipment, ending and making good, watches.

mod answers;
mod before_confirmation;
mod command;
mod decide;
mod ending;
mod input;
mod policy;
mod shipment;
mod state;
mod watch;

pub use answers::{Answers, Compensation, InventoryAnswer, PaymentAnswer, Trouble};
pub use command::command;
pub use decide::{answers, decide, handles};
pub use input::{Command, Effect, Input, OrderTimer, Place, Receipt};
pub use policy::Policy;
pub use state::{Cancel, Cancellation, Failure, Placed, Progress, Review, State};

/// A decision about an order.
pub type Decision = shared_events::Decision<State, Effect, OrderTimer>;

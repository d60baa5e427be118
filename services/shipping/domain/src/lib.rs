//! What shipping decides: pure, total, and without a clock.
//!
//! A shipment is booked with the carrier under the key `shipment:<order_id>`, whatever happens a
//! single time. The carrier may be silent; then it is asked about the key. Two things are never
//! guessed: `shipping.failed` and `shipping.cancelled` are said after a booking call only when the
//! carrier refused, or confirmed that the key is cancelled (rule 16 of the choreography).
//!
//! ```text
//! unknown ─ order.confirmed ─▶ booking ─ booked ─▶ scheduled ─▶ dispatched ─▶ delivered
//!    │                            │                   │
//!    │ cancel, order died         │ cancel, hour over │ cancel
//!    ▼                            ▼                   ▼
//! cancelled ◀── confirmed ─── cancelling ◀────────────┘      refused, given up ─▶ failed
//! ```

mod commands;
mod decide;
mod events;
mod input;
mod policy;
mod replies;
mod state;
mod timers;
mod transition;

pub use commands::command;
pub use decide::{ShipmentDecision, answers, decide, handles};
pub use input::{Command, Effect, Input, Reply};
pub use policy::Policy;
pub use state::{CancelAnswer, Consignment, Failure, Parcel, State, Status, Stop};
pub use timers::ShipmentTimer;

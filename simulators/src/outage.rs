//! A dead or silent outside world, on demand.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// One of the two parts this process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Gateway,
    Carrier,
}

/// How a side behaves during an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    None,
    /// Every call is answered 503 and has no effect.
    Error,
    /// No call is answered or has an effect, also after the outage has ended.
    Hang,
}

/// The outages in force. Not durable: a restart is the end of an outage.
#[derive(Default)]
pub(crate) struct Outages {
    gateway: Mutex<Option<(Mode, Instant)>>,
    carrier: Mutex<Option<(Mode, Instant)>>,
}

impl Outages {
    /// Replaces the side's outage; `Mode::None` ends it.
    pub(crate) fn set(&self, side: Side, mode: Mode, lasting: Duration) {
        *self.of(side).lock().expect("setting an outage does not panic") =
            Some((mode, Instant::now() + lasting));
    }

    pub(crate) fn now(&self, side: Side) -> Mode {
        match *self.of(side).lock().expect("setting an outage does not panic") {
            Some((mode, until)) if Instant::now() < until => mode,
            Some(_) | None => Mode::None,
        }
    }

    fn of(&self, side: Side) -> &Mutex<Option<(Mode, Instant)>> {
        match side {
            Side::Gateway => &self.gateway,
            Side::Carrier => &self.carrier,
        }
    }
}

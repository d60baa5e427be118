//! The payment gateway and the carrier: small state machines by key, with every outcome.
//!
//! A call is on its way until it arrives or nothing comes back. What nobody waits for any more may
//! still arrive, at any later moment, or never. Copies of the same call that are under way at once
//! count as one: their key is the same, and so is what they do.

use payment_domain::Asked;

use crate::set::Listed;

/// A call on its way to the gateway or to the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Capture the order's total under the order's key.
    Charge,
    /// Capture it under another key: no rule ever asks for that, a planted fault does.
    ChargeUnderSecondKey,
    /// What became of the key?
    AskGateway,
    /// Make a capture impossible.
    Void,
    /// Send the money back.
    Refund,
    /// Fetch the parcel.
    Book,
    /// What became of the booking?
    AskCarrier,
    /// Make a booking impossible.
    CancelBooking,
}

impl Listed for Call {
    const ALL: &'static [Self] = &[
        Self::Charge,
        Self::ChargeUnderSecondKey,
        Self::AskGateway,
        Self::Void,
        Self::Refund,
        Self::Book,
        Self::AskCarrier,
        Self::CancelBooking,
    ];

    fn place(self) -> usize {
        self as usize
    }
}

impl Call {
    /// What the gateway was asked; `None` for a call to the carrier.
    #[must_use]
    pub const fn asked(self) -> Option<Asked> {
        match self {
            Self::Charge | Self::ChargeUnderSecondKey => Some(Asked::Charge),
            Self::AskGateway => Some(Asked::Status),
            Self::Void => Some(Asked::Void),
            Self::Refund => Some(Asked::Refund),
            Self::Book | Self::AskCarrier | Self::CancelBooking => None,
        }
    }

    /// Whether a copy that arrives when nobody waits for its answer any more can still matter.
    #[must_use]
    pub const fn does_something(self) -> bool {
        !matches!(self, Self::AskGateway | Self::AskCarrier)
    }
}

/// An answer on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// The money is captured.
    Captured,
    /// The charge is declined.
    Declined,
    /// The gateway never saw a charge under this key.
    NoSuchCharge,
    /// A capture has become impossible.
    Voided,
    /// The money went back.
    Refunded,
    /// The money will not go back.
    RefundRefused,
    /// The carrier will fetch the parcel.
    Booked,
    /// The carrier has the parcel.
    Dispatched,
    /// The customer has the parcel.
    Delivered,
    /// The carrier cannot take the parcel.
    Refused,
    /// A booking has become impossible.
    Cancelled,
    /// The carrier never saw a booking under this key.
    NoSuchBooking,
}

impl Listed for Word {
    const ALL: &'static [Self] = &[
        Self::Captured,
        Self::Declined,
        Self::NoSuchCharge,
        Self::Voided,
        Self::Refunded,
        Self::RefundRefused,
        Self::Booked,
        Self::Dispatched,
        Self::Delivered,
        Self::Refused,
        Self::Cancelled,
        Self::NoSuchBooking,
    ];

    fn place(self) -> usize {
        self as usize
    }
}

impl Word {
    /// Whether the gateway says it, and not the carrier.
    #[must_use]
    pub const fn is_of_gateway(self) -> bool {
        match self {
            Self::Captured
            | Self::Declined
            | Self::NoSuchCharge
            | Self::Voided
            | Self::Refunded
            | Self::RefundRefused => true,
            Self::Booked
            | Self::Dispatched
            | Self::Delivered
            | Self::Refused
            | Self::Cancelled
            | Self::NoSuchBooking => false,
        }
    }
}

/// What the gateway has done under one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charge {
    /// Nothing yet.
    #[default]
    Fresh,
    /// It has the money.
    Captured,
    /// It will not charge.
    Declined,
    /// It cannot charge any more.
    Voided,
    /// It gave the money back.
    Refunded,
}

/// What the carrier has done under the order's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Booking {
    /// Nothing yet.
    #[default]
    Fresh,
    /// It will fetch the parcel.
    Booked,
    /// It has the parcel.
    Dispatched,
    /// The customer has it.
    Delivered,
    /// It cannot take the parcel.
    Refused,
    /// It cannot be booked any more.
    Cancelled,
}

/// Both of them: the authority on money and on parcels, as the simulators' journal is in tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outside {
    /// The order's one key.
    pub charge: Charge,
    /// The key that must never be used.
    pub second_charge: Charge,
    /// The order's parcel.
    pub booking: Booking,
}

impl Outside {
    /// How often money was taken.
    #[must_use]
    pub fn captures(&self) -> usize {
        let taken = |charge: &&Charge| matches!(charge, Charge::Captured | Charge::Refunded);
        [self.charge, self.second_charge].iter().filter(taken).count()
    }

    /// How often it went back.
    #[must_use]
    pub fn refunds(&self) -> usize {
        [self.charge, self.second_charge].iter().filter(|charge| **charge == Charge::Refunded).count()
    }

    /// Whether the carrier has, or had, the parcel.
    #[must_use]
    pub const fn handed_over(&self) -> bool {
        matches!(self.booking, Booking::Dispatched | Booking::Delivered)
    }

    /// Whether the outcome of a call is still open, so that it may be granted or refused.
    #[must_use]
    pub const fn is_free_to_refuse(&self, call: Call) -> bool {
        match call {
            Call::Charge => matches!(self.charge, Charge::Fresh),
            Call::ChargeUnderSecondKey => matches!(self.second_charge, Charge::Fresh),
            Call::Refund => matches!(self.charge, Charge::Captured),
            Call::Book => matches!(self.booking, Booking::Fresh),
            Call::AskGateway | Call::Void | Call::AskCarrier | Call::CancelBooking => false,
        }
    }

    /// A call arrives: what it does, and the answer.
    pub(crate) const fn arrive(&mut self, call: Call, granted: bool) -> Word {
        match call {
            Call::Charge => {
                self.charge = charged(self.charge, granted);
                of_charge(self.charge)
            }
            Call::ChargeUnderSecondKey => {
                self.second_charge = charged(self.second_charge, granted);
                of_charge(self.second_charge)
            }
            Call::AskGateway => of_charge(self.charge),
            Call::Void => {
                if matches!(self.charge, Charge::Fresh) {
                    self.charge = Charge::Voided;
                }
                of_charge(self.charge)
            }
            Call::Refund => match (self.charge, granted) {
                (Charge::Refunded, _) => Word::Refunded,
                (Charge::Captured, true) => {
                    self.charge = Charge::Refunded;
                    Word::Refunded
                }
                (Charge::Captured | Charge::Fresh | Charge::Declined | Charge::Voided, _) => {
                    Word::RefundRefused
                }
            },
            Call::Book => {
                if matches!(self.booking, Booking::Fresh) {
                    self.booking = if granted { Booking::Booked } else { Booking::Refused };
                }
                of_booking(self.booking)
            }
            Call::AskCarrier => of_booking(self.booking),
            Call::CancelBooking => {
                if matches!(self.booking, Booking::Fresh | Booking::Booked) {
                    self.booking = Booking::Cancelled;
                }
                of_booking(self.booking)
            }
        }
    }
}

const fn charged(before: Charge, granted: bool) -> Charge {
    match (before, granted) {
        (Charge::Fresh, true) => Charge::Captured,
        (Charge::Fresh, false) => Charge::Declined,
        (Charge::Captured | Charge::Declined | Charge::Voided | Charge::Refunded, _) => before,
    }
}

const fn of_charge(charge: Charge) -> Word {
    match charge {
        Charge::Fresh => Word::NoSuchCharge,
        Charge::Captured | Charge::Refunded => Word::Captured,
        Charge::Declined => Word::Declined,
        Charge::Voided => Word::Voided,
    }
}

const fn of_booking(booking: Booking) -> Word {
    match booking {
        Booking::Fresh => Word::NoSuchBooking,
        Booking::Booked => Word::Booked,
        Booking::Dispatched => Word::Dispatched,
        Booking::Delivered => Word::Delivered,
        Booking::Refused => Word::Refused,
        Booking::Cancelled => Word::Cancelled,
    }
}

//! Small sets as bits: a state of the model is copied and hashed millions of times.

use std::{fmt, marker::PhantomData};

use shared_events::EventType;

/// A type with a short list of values.
pub trait Listed: Copy + Eq + fmt::Debug + 'static {
    /// All values, at most 32.
    const ALL: &'static [Self];

    /// Where in the list this value stands.
    fn place(self) -> usize;
}

/// A set of such values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Set<T> {
    bits: u32,
    of: PhantomData<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { bits: 0, of: PhantomData }
    }
}

impl Listed for EventType {
    const ALL: &'static [Self] = EventType::ALL;

    fn place(self) -> usize {
        self as usize
    }
}

impl<T: Listed> Set<T> {
    fn bit(value: T) -> u32 {
        1 << value.place()
    }

    /// Whether the value is in it.
    #[must_use]
    pub fn has(self, value: T) -> bool {
        self.bits & Self::bit(value) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    pub(crate) fn add(&mut self, value: T) {
        self.bits |= Self::bit(value);
    }

    pub(crate) fn remove(&mut self, value: T) {
        self.bits &= !Self::bit(value);
    }

    /// The values in it, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::ALL
            .iter()
            .copied()
            .enumerate()
            .filter(move |(place, _)| self.bits & (1 << place) != 0)
            .map(|(_, v)| v)
    }
}

impl<T: Listed> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A set of the numbers below 128.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Numbers(u128);

impl Numbers {
    /// Whether the number is in it.
    #[must_use]
    pub const fn has(self, number: u8) -> bool {
        self.0 & (1 << number) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn add(&mut self, number: u8) {
        self.0 |= 1 << number;
    }

    pub(crate) const fn remove(&mut self, number: u8) {
        self.0 &= !(1 << number);
    }

    pub(crate) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The numbers in it, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let number = u8::try_from(rest.trailing_zeros()).ok().filter(|number| *number < 128)?;
            rest &= rest - 1;
            Some(number)
        })
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

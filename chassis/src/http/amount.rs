//! Money at the edge: a JSON number with two decimals, read and written without floating point.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Largest amount, in minor units, either way: ten billion in cents. Sums of a hundred lines stay
/// far inside an `i64`.
const MINOR_MAX: i64 = 1_000_000_000_000;

/// An amount in minor units; `24.99`, `25`, `25.0` and `25.00` are read, `25.00` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub i64);

/// Why a number is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a number with at most two decimals, such as 24.99, not {0}")]
pub struct InvalidAmount(String);

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || InvalidAmount(text.chars().take(40).collect());
        // An exponent is legal JSON, but nobody writes a price like that on purpose.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
        if !plain || text.len() > 32 {
            return Err(refused());
        }
        let decimal: Decimal = text.parse().map_err(|_| refused())?;
        let minor = decimal.checked_mul(Decimal::ONE_HUNDRED).ok_or_else(refused)?.normalize();
        if minor.scale() != 0 {
            return Err(refused());
        }
        let minor = i64::try_from(minor.mantissa()).map_err(|_| refused())?;
        if minor.abs() > MINOR_MAX { Err(refused()) } else { Ok(Self(minor)) }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

impl utoipa::PartialSchema for Amount {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Number)
            .description(Some("An amount with at most two decimals, such as 24.99."))
            .multiple_of(Some(0.01))
            .examples([24.99])
            .into()
    }
}

impl utoipa::ToSchema for Amount {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, minor) in [
            ("24.99", 2499),
            ("25", 2500),
            ("25.0", 2500),
            ("25.00", 2500),
            ("0.1", 10),
            ("-3.05", -305),
            ("0", 0),
            ("1.10", 110),
            ("19.990", 1999),
        ] {
            assert_eq!(serde_json::from_str::<Amount>(text).unwrap(), Amount(minor), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_the_rule() {
        for text in ["24.999", "1e3", "\"24.99\"", "null", "true", "99999999999999999999", "[]", "{}"] {
            let error = serde_json::from_str::<Amount>(text).unwrap_err().to_string();
            assert!(error.contains("at most two decimals"), "{text}: {error}");
        }
    }

    #[test]
    fn amounts_are_written_with_two_decimals() {
        assert_eq!(serde_json::to_string(&Amount(2500)).unwrap(), "25.00");
        assert_eq!(serde_json::to_string(&Amount(-5)).unwrap(), "-0.05");
    }
}

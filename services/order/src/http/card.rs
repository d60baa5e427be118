//! Card numbers: cut to brand and last four digits at the door.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A card number on its short way from the socket to brand and last four digits. It is neither
/// printed, nor repeated in an error, nor kept.
pub(super) struct CardNumber(String);

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber(***)")
    }
}

impl<'de> Deserialize<'de> for CardNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read raw, for serde's own message about a wrong type would repeat the number.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let digits: String = raw.get().chars().filter(char::is_ascii_digit).collect();
        let plain = raw.get().chars().all(|c| c.is_ascii_digit() || matches!(c, '"' | ' ' | '-'));
        if plain && (4..=19).contains(&digits.len()) {
            Ok(Self(digits))
        } else {
            Err(serde::de::Error::custom("a card number has at most 19 digits, in groups if you like"))
        }
    }
}

impl CardNumber {
    pub(super) fn last_four(&self) -> String {
        self.0[self.0.len() - 4..].to_owned()
    }

    /// By the issuer's prefix (ISO/IEC 7812).
    pub(super) fn brand(&self) -> &'static str {
        let prefix = |length: usize| self.0.get(..length).and_then(|text| text.parse::<u32>().ok());
        match (prefix(1), prefix(2), prefix(4)) {
            (Some(4), ..) => "visa",
            (_, Some(51..=55), _) | (.., Some(2221..=2720)) => "mastercard",
            (_, Some(34 | 37), _) => "amex",
            (_, Some(65), _) | (.., Some(6011 | 6440..=6499)) => "discover",
            (.., Some(3528..=3589)) => "jcb",
            _ => "unknown",
        }
    }
}

/// Whether a text is 13 to 19 digits with a valid check digit (Luhn): it would be stored.
pub(super) fn looks_like_a_card(text: &str) -> bool {
    let digits: Vec<u32> =
        text.chars().filter(|c| !matches!(c, ' ' | '-')).map_while(|c| c.to_digit(10)).collect();
    let only_digits = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    only_digits && (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_cut_to_brand_and_last_four_however_it_is_written() {
        for (json, brand, last_four) in [
            (r#""4111 1111-1111 1111""#, "visa", "1111"),
            ("4242424242424242", "visa", "4242"),
            (r#""5555555555554444""#, "mastercard", "4444"),
            (r#""2223003122003222""#, "mastercard", "3222"),
            (r#""378282246310005""#, "amex", "0005"),
            (r#""6011111111111117""#, "discover", "1117"),
            (r#""3530111333300000""#, "jcb", "0000"),
            (r#""9999""#, "unknown", "9999"),
        ] {
            let card: CardNumber = serde_json::from_str(json).unwrap();
            assert_eq!((card.brand(), card.last_four().as_str()), (brand, last_four), "{json}");
        }
    }

    #[test]
    fn neither_an_error_nor_a_debug_print_repeats_the_number() {
        for json in
            [r#""4111x1111""#, r#"{"number": "4111111111111111"}"#, "[4111111111111111]", "\"123\"", "true"]
        {
            let error = serde_json::from_str::<CardNumber>(json).unwrap_err().to_string();
            assert!(!error.contains("4111"), "{error}");
        }
        let card: CardNumber = serde_json::from_str("\"4111111111111111\"").unwrap();
        assert_eq!(format!("{card:?}"), "CardNumber(***)");
    }

    #[test]
    fn a_token_that_is_a_card_number_is_recognized() {
        assert!(looks_like_a_card("4111 1111 1111 1111"));
        assert!(looks_like_a_card("378282246310005"));
        for token in ["tok_ok", "4111111111111112", "411111", ""] {
            assert!(!looks_like_a_card(token), "{token}");
        }
    }
}

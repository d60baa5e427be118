//! The words by which the seed systems call things, and the ids that stand for them here.

use std::fmt;

use chassis::http::Problem;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name space of the ids made from words. Never to be changed: a word used before must lead to the
/// same order, user or product for ever.
const NAMESPACE: Uuid = Uuid::from_u128(0x5c0e_9d36_41fb_4e7a_8b12_d96a_07e3_c458);
/// Longest word; the name of a product has no more.
const CHARS_MAX: usize = 200;

/// A name or number by which a seed system calls something. It is kept and shown as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "it must be a text or a whole number")]
pub(super) enum Word {
    /// `1`
    Number(i64),
    /// `"order-1"`
    Text(String),
}

/// What a word is the name of: the same word may name an order and a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    User,
    Item,
    /// An `Idempotency-Key` that makes an order's id.
    Key,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::User => "user",
            Self::Item => "item",
            Self::Key => "key",
        }
    }
}

impl Word {
    /// What is wrong with it, as an entry of a problem's `errors`.
    pub(super) fn fault(&self, pointer: &str) -> Option<(String, String)> {
        let text = self.to_string();
        let usable = !text.trim().is_empty()
            && text.chars().count() <= CHARS_MAX
            && !text.chars().any(char::is_control);
        (!usable).then(|| (pointer.to_owned(), format!("has 1 to {CHARS_MAX} characters on one line")))
    }

    /// The id it stands for. A UUID is itself; items are named without regard to case, as they are
    /// looked up.
    pub(super) fn id(&self, kind: Kind) -> Uuid {
        let word = self.to_string();
        let word = word.trim();
        Uuid::try_parse(word).unwrap_or_else(|_| {
            let word = if kind == Kind::Item { word.to_lowercase() } else { word.to_owned() };
            Uuid::new_v5(&NAMESPACE, format!("{}/{word}", kind.name()).as_bytes())
        })
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<Uuid> for Word {
    fn from(id: Uuid) -> Self {
        Self::Text(id.to_string())
    }
}

/// 422 with every fault, if there is one.
pub(super) fn refuse(faults: Vec<(String, String)>) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(json: &str) -> Word {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_uuid_is_itself_and_any_other_word_has_one_id_for_each_kind() {
        let id = Uuid::from_u128(7);
        assert_eq!(word(&format!("\"{id}\"")).id(Kind::Order), id);
        assert_eq!(word("1").id(Kind::Order), word("\" 1\"").id(Kind::Order));
        assert_ne!(word("1").id(Kind::Order), word("1").id(Kind::Item));
        assert_ne!(word("\"A\"").id(Kind::Order), word("\"a\"").id(Kind::Order));
        assert_eq!(word("\"Laptop\"").id(Kind::Item), word("\"laptop\"").id(Kind::Item));
    }

    /// Whoever changes how ids are made loses every order placed under a word before.
    #[test]
    fn the_id_of_a_word_is_the_same_for_ever() {
        assert_eq!(word("\"order-1\"").id(Kind::Order).to_string(), "c997d4d6-b160-58d6-b455-890127a76fe4");
        assert_eq!(word("\"Laptop\"").id(Kind::Item).to_string(), "424ef3b0-7200-5f0f-be7f-b2af3123cf95");
    }

    #[test]
    fn a_word_is_a_text_or_a_whole_number_and_keeps_its_kind() {
        assert_eq!(serde_json::to_string(&word("12")).unwrap(), "12");
        assert_eq!(serde_json::to_string(&word("\"12\"")).unwrap(), "\"12\"");
        for bad in ["1.5", "null", "[]", "{}", "true"] {
            let error = serde_json::from_str::<Word>(bad).unwrap_err().to_string();
            assert!(error.contains("text or a whole number"), "{bad}: {error}");
        }
        for bad in ["\"\"", "\"  \"", "\"a\\nb\"", &format!("\"{}\"", "x".repeat(201))] {
            assert!(word(bad).fault("/item").is_some(), "{bad}");
        }
        assert_eq!(word("\"laptop\"").fault("/item"), None);
    }
}

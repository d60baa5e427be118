//! Addresses: the one a customer gave, the one assumed for a customer who gave none, and how they
//! are shown.

use lettre::Address;
use shared_events::{CustomerId, events::order::Customer};
use uuid::Uuid;

use crate::state::Contact;

/// Longest name in a greeting and in a `To` header.
const NAME_CHARS_MAX: usize = 80;
/// The local part of an address has at most 64 characters (RFC 5321); with `customer_` before and a
/// digest behind, this much of an id that is no local part fits.
const READABLE_CHARS_MAX: usize = 40;
/// Longest customer id that fits as it is.
const PLAIN_CHARS_MAX: usize = 64 - "customer_".len();
/// E.164: a phone number has at most 15 digits; fewer than 7 is none that can be called from abroad.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The contact that `order.placed` gives.
#[must_use]
pub fn contact(customer_id: &CustomerId, customer: Option<&Customer>) -> Contact {
    let given = |text: Option<&String>| {
        text.map(|text| text.trim().to_owned()).filter(|text: &String| !text.is_empty())
    };
    let name = customer.and_then(|customer| customer.name.as_deref());
    Contact {
        name: name.map(|name| one_line(name, NAME_CHARS_MAX)).filter(|name| !name.is_empty()),
        email: given(customer.and_then(|customer| customer.email.as_ref()))
            .unwrap_or_else(|| assumed_email(customer_id)),
        phone: given(customer.and_then(|customer| customer.phone.as_ref())),
    }
}

/// `customer_<id>@example.com`. An id that is no local part of an address is shortened to what is
/// readable of it and told apart by a digest.
#[must_use]
pub fn assumed_email(customer_id: &CustomerId) -> String {
    let id = customer_id.as_str();
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if id.len() <= PLAIN_CHARS_MAX && id.chars().all(plain) {
        return format!("customer_{id}@example.com");
    }
    let readable: String =
        id.chars().filter(|character| plain(*character)).take(READABLE_CHARS_MAX).collect();
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()).simple().to_string();
    format!("customer_{readable}-{}@example.com", &digest[..12])
}

/// The address as mail is sent to it.
///
/// # Errors
/// Why it cannot be used, for a person; without repeating it.
pub fn usable_email(text: &str) -> Result<String, String> {
    let address: Address =
        text.parse().map_err(|problem| format!("the e-mail address cannot be used: {problem}"))?;
    Ok(address.to_string())
}

/// The number as text messages are sent to it: digits, with a plus sign if it had one.
///
/// # Errors
/// Why it cannot be used, for a person; without repeating it.
pub fn usable_phone(text: &str) -> Result<String, String> {
    let ornament = |character: &char| matches!(character, ' ' | '-' | '.' | '(' | ')' | '/');
    let number: String = text.chars().filter(|character| !ornament(character)).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(number)
    } else {
        Err("the phone number cannot be used: it needs 7 to 15 digits, with a plus sign at most".to_owned())
    }
}

/// `c***@example.com`, `***0100`: enough for a customer to recognize, too little for anyone else.
#[must_use]
pub fn masked(recipient: &str) -> String {
    match recipient.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => {
            let count = recipient.chars().count();
            // Of a short text the last four would be most of it.
            let shown = if count >= 8 { 4 } else { 0 };
            format!("***{}", recipient.chars().skip(count - shown).collect::<String>())
        }
    }
}

/// A text of somebody else's without the recipient in it: a mail server's refusal repeats the
/// address, and the reason goes into events and onto the API.
#[must_use]
pub fn without_recipient(text: &str, recipient: &str) -> String {
    // Byte positions agree because lowering ASCII letters changes no length.
    let (lowered, wanted) = (text.to_ascii_lowercase(), recipient.to_ascii_lowercase());
    if wanted.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = lowered[from..].find(&wanted) {
        out.push_str(&text[from..from + at]);
        out.push_str(&masked(recipient));
        from += at + wanted.len();
    }
    out.push_str(&text[from..]);
    out
}

/// One line of printable characters: what a customer wrote goes into headers and paragraphs of ours.
#[must_use]
pub fn one_line(text: &str, chars_max: usize) -> String {
    let visible = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let words: String = visible.collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CustomerId {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn an_assumed_address_names_the_customer_and_is_always_an_address() {
        assert_eq!(assumed_email(&id("17")), "customer_17@example.com");
        assert_eq!(assumed_email(&id("customer-17")), "customer_customer-17@example.com");
        let odd = ["a@b", "Ada Example", "..", "<x>", "ключ", &"x".repeat(128), "a..b", "\"", "a,b"];
        let mut made = std::collections::BTreeSet::new();
        for text in odd {
            let address = assumed_email(&id(text));
            assert_eq!(usable_email(&address).as_ref(), Ok(&address), "{text}");
            assert!(made.insert(address), "{text} shares its address with another");
        }
    }

    #[test]
    fn addresses_and_numbers_are_used_or_refused_without_being_repeated() {
        assert_eq!(usable_email("ada@example.com").unwrap(), "ada@example.com");
        for bad in
            ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example.com\r\nBcc: x@y.z", "a@b@c"]
        {
            let why = usable_email(bad).expect_err(bad);
            assert!(why.starts_with("the e-mail address cannot be used") && !why.contains("ada"), "{why}");
        }
        assert_eq!(usable_phone("+1 (503) 555-0100").unwrap(), "+15035550100");
        assert_eq!(usable_phone("0171.5550100").unwrap(), "01715550100");
        for bad in ["", "911", "+", "++15035550100", "1503555a0100", "1234567890123456"] {
            assert!(usable_phone(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_of_a_recipient_does_not_tell_it() {
        for (recipient, shown) in [
            ("customer_1@example.com", "c***@example.com"),
            ("ö@example.com", "ö***@example.com"),
            ("no address", "***ress"),
            ("+15035550100", "***0100"),
            ("12345", "***"),
            ("", "***"),
        ] {
            assert_eq!(masked(recipient), shown);
        }
        assert_eq!(
            without_recipient("550 <Ada@Example.com>: no ada@example.com here", "ada@example.com"),
            "550 <a***@example.com>: no a***@example.com here"
        );
        assert_eq!(without_recipient("550 no", ""), "550 no");
    }

    #[test]
    fn a_contact_is_what_the_shop_told_and_assumed_where_it_told_nothing() {
        let told = Customer {
            name: Some(" Ada\r\nBcc: x@y.z\u{0} ".to_owned()),
            email: Some(" ada@example.com ".to_owned()),
            phone: Some("  ".to_owned()),
            created_at: None,
        };
        let known = contact(&id("17"), Some(&told));
        assert_eq!(known.name.as_deref(), Some("Ada Bcc: x@y.z"));
        assert_eq!((known.email.as_str(), known.phone), ("ada@example.com", None));
        let nothing = contact(&id("17"), None);
        assert_eq!(nothing, Contact { name: None, email: "customer_17@example.com".to_owned(), phone: None });
    }
}

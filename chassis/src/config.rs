//! Configuration: environment variables, documented where they are read, checked at start.
//!
//! A [`Reader`] remembers every variable it was asked for, with its documentation, so that
//! `--print-config` shows the whole configuration of a service with its secrets masked.

use std::{fmt::Display, str::FromStr};

use secrecy::SecretString;

/// A variable that is missing or makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Required and not there.
    #[error("set {name}: {doc}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it is for.
        doc: &'static str,
    },
    /// There, but not readable as what it should be.
    #[error("{name}={value} is not valid: {problem} ({doc})")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it holds; masked for a secret.
        value: String,
        /// What is wrong with it.
        problem: String,
        /// What it is for.
        doc: &'static str,
    },
}

struct Entry {
    name: &'static str,
    value: String,
    from_default: bool,
    doc: &'static str,
}

/// Reads variables and remembers them for `--print-config`.
#[derive(Default)]
pub struct Reader {
    entries: Vec<Entry>,
    overrides: Option<std::collections::BTreeMap<String, String>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("variables", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads the environment of the process.
    #[must_use]
    pub fn from_env() -> Self {
        Self::default()
    }

    /// Reads these variables and nothing else (tests).
    #[must_use]
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let map = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { entries: Vec::new(), overrides: Some(map) }
    }

    /// A variable of any type that can be read from text; `default: None` makes it required.
    ///
    /// # Errors
    /// Names the variable, what it is for and what is wrong.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        default: Option<&str>,
        doc: &'static str,
    ) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let (text, from_default) = self.lookup(name, default, doc)?;
        let parsed = text.parse().map_err(|problem: T::Err| ConfigError::Invalid {
            name,
            value: text.clone(),
            problem: problem.to_string(),
            doc,
        })?;
        self.entries.push(Entry { name, value: text, from_default, doc });
        Ok(parsed)
    }

    /// A variable that must lie in a range.
    ///
    /// # Errors
    /// Names the variable and the range.
    pub fn read_in<T>(
        &mut self,
        name: &'static str,
        default: &str,
        range: std::ops::RangeInclusive<T>,
        doc: &'static str,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display,
        T::Err: Display,
    {
        let value: T = self.read(name, Some(default), doc)?;
        if range.contains(&value) {
            return Ok(value);
        }
        Err(ConfigError::Invalid {
            name,
            value: value.to_string(),
            problem: format!("it must be from {} to {}", range.start(), range.end()),
            doc,
        })
    }

    /// A variable that is never printed: a password, or a URL that holds one.
    ///
    /// # Errors
    /// When a required secret is missing.
    pub fn secret(
        &mut self,
        name: &'static str,
        default: Option<&str>,
        doc: &'static str,
    ) -> Result<SecretString, ConfigError> {
        let (text, from_default) = self.lookup(name, default, doc)?;
        self.entries.push(Entry { name, value: masked(&text), from_default, doc });
        Ok(text.into())
    }

    /// A required secret that `check` understands; what it says must not repeat the secret.
    ///
    /// # Errors
    /// When it is missing, or when `check` says what is wrong with it.
    pub fn checked_secret(
        &mut self,
        name: &'static str,
        doc: &'static str,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Result<SecretString, ConfigError> {
        let (text, _) = self.lookup(name, None, doc)?;
        check(&text).map_err(|problem| ConfigError::Invalid { name, value: masked(&text), problem, doc })?;
        self.secret(name, None, doc)
    }

    /// By how much every deadline is shortened (development and tests): 1 to 10,000.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn time_scale(&mut self) -> Result<u32, ConfigError> {
        self.read_in(
            "TIME_SCALE",
            "1",
            1..=10_000,
            "Divides every deadline and the retry ladder; for development and tests only.",
        )
    }

    /// Every variable asked for so far: `NAME=value  # documentation`, one a line.
    #[must_use]
    pub fn print(&self) -> String {
        let mut seen = std::collections::BTreeSet::new();
        let mut out = String::new();
        for entry in &self.entries {
            if seen.insert(entry.name) {
                let source = if entry.from_default { " (default)" } else { "" };
                out.push_str(&format!("{}={}  # {}{}\n", entry.name, entry.value, entry.doc, source));
            }
        }
        out
    }

    fn lookup(
        &self,
        name: &'static str,
        default: Option<&str>,
        doc: &'static str,
    ) -> Result<(String, bool), ConfigError> {
        let found = match &self.overrides {
            Some(map) => map.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        match (found.filter(|text| !text.is_empty()), default) {
            (Some(text), _) => Ok((text, false)),
            (None, Some(default)) => Ok((default.to_owned(), true)),
            (None, None) => Err(ConfigError::Missing { name, doc }),
        }
    }
}

/// A URL keeps its shape and loses its password; anything else is hidden whole.
fn masked(secret: &str) -> String {
    let Some((scheme, rest)) = secret.split_once("://") else { return "***".to_owned() };
    match rest.rsplit_once('@') {
        Some((credentials, place)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named_with_its_purpose() {
        let mut reader = Reader::from_pairs(&[]);
        let error = reader.read::<u16>("PORT", None, "Where to listen.").unwrap_err();
        assert_eq!(error.to_string(), "set PORT: Where to listen.");
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        let mut reader = Reader::from_pairs(&[("PORT", "many"), ("TIME_SCALE", "0")]);
        assert!(reader.read::<u16>("PORT", None, "x").unwrap_err().to_string().contains("PORT=many"));
        assert!(reader.time_scale().unwrap_err().to_string().contains("from 1 to 10000"));
    }

    #[test]
    fn a_secret_that_makes_no_sense_is_refused_without_repeating_it() {
        let mut reader = Reader::from_pairs(&[("AMQP_URL", "http://order:s3cret@127.0.0.1")]);
        let error =
            reader.checked_secret("AMQP_URL", "Broker.", |_| Err("its scheme is not amqp".to_owned()));
        let said = error.unwrap_err().to_string();
        assert_eq!(
            said,
            "AMQP_URL=http://order:***@127.0.0.1 is not valid: its scheme is not amqp (Broker.)"
        );
        assert!(reader.checked_secret("AMQP_URL", "Broker.", |_| Ok(())).is_ok());
        assert!(reader.checked_secret("MISSING", "Broker.", |_| Ok(())).is_err());
    }

    #[test]
    fn printing_masks_secrets_and_keeps_the_rest() {
        let mut reader =
            Reader::from_pairs(&[("DATABASE_URL", "postgres://order:s3cret@127.0.0.1:5432/order")]);
        reader.secret("DATABASE_URL", None, "Database.").unwrap();
        reader.read::<u16>("PORT", Some("8001"), "Port.").unwrap();
        let printed = reader.print();
        assert!(!printed.contains("s3cret"));
        assert!(printed.contains("DATABASE_URL=postgres://order:***@127.0.0.1:5432/order"));
        assert!(printed.contains("PORT=8001  # Port. (default)"));
    }
}

//! `sagactl topology keep`: looks again and again, and mends what somebody has taken away or changed.
//!
//! Services may declare nothing, so somebody with the right to has to stand by. A keeper that is down harms nobody: the
//! services notice what is missing themselves and say so on `/readyz`; it is only mended later.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{SecondsFormat, Utc};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::{apply, census, check};
use crate::broker::Management;
use crate::console::Palette;
use crate::endpoints::BrokerArgs;

/// What one look came to.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// Nothing differs.
    Well,
    /// These things differed; of each whether it is mended.
    Differed(Vec<(String, bool)>),
    /// The broker cannot be asked, or takes no definitions.
    Away(String),
}

/// Looks every so often until told to stop. A broker that is away is waited for.
pub async fn keep(broker: &BrokerArgs, definitions: &Value, every: Duration, palette: Palette) -> Result<()> {
    let management = Management::new(broker)?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let seconds = every.as_secs();
    say(palette.dim("·"), &format!("keeping {}: {}, every {seconds} s", broker.vhost, census(definitions)));
    let mut teller = Teller::default();
    loop {
        // Stopped in the middle of a look, an import may be half done on the broker; it is the same as none or all.
        let found = tokio::select! {
            found = look(&management, definitions) => found,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        };
        for (well, line) in teller.lines(found) {
            say(palette.mark(well), &line);
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    say(palette.dim("·"), "stopped");
    Ok(())
}

async fn look(management: &Management, definitions: &Value) -> Look {
    let found = match check(management, definitions).await {
        Ok(found) if found.is_empty() => return Look::Well,
        Ok(found) => found,
        // Without its virtual host a broker that answers has no definitions to show: applying makes it again.
        Err(error) => match apply(management, definitions).await {
            Ok(_) => return Look::Differed(vec![(format!("{error:#}"), true)]),
            Err(_) => return Look::Away(format!("{error:#}")),
        },
    };
    if let Err(error) = apply(management, definitions).await {
        return Look::Away(format!("{}; it cannot be mended now: {error:#}", found.join("; ")));
    }
    match check(management, definitions).await {
        Ok(left) => Look::Differed(
            found
                .into_iter()
                .map(|difference| {
                    let mended = !left.contains(&difference);
                    (difference, mended)
                })
                .collect(),
        ),
        Err(error) => Look::Away(format!("{error:#}")),
    }
}

/// Says each thing once, not at every look.
#[derive(Debug, Default)]
struct Teller {
    away: bool,
    unmended: BTreeSet<String>,
}

impl Teller {
    fn lines(&mut self, look: Look) -> Vec<(bool, String)> {
        let mut lines = Vec::new();
        let differences = match look {
            Look::Away(why) => {
                if !std::mem::replace(&mut self.away, true) {
                    lines.push((false, format!("cannot look: {why}; trying again")));
                }
                return lines;
            }
            Look::Well => Vec::new(),
            Look::Differed(differences) => differences,
        };
        if std::mem::take(&mut self.away) {
            lines.push((true, "the broker answers again".to_owned()));
        }
        let unmended: BTreeSet<String> =
            differences.iter().filter(|(_, mended)| !mended).map(|(what, _)| what.clone()).collect();
        for (what, mended) in differences {
            if mended {
                lines.push((true, format!("mended: {what}")));
            } else if !self.unmended.contains(&what) {
                lines.push((false, format!("cannot mend: {what}; a person has to look")));
            }
        }
        for gone in self.unmended.difference(&unmended) {
            lines.push((true, format!("is well again: {gone}")));
        }
        self.unmended = unmended;
        lines
    }
}

fn say(mark: impl std::fmt::Display, line: &str) {
    println!("{} {mark} {line}", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_away_is_told_once_and_its_return_too() {
        let mut teller = Teller::default();
        assert_eq!(teller.lines(Look::Well), []);
        let away = || Look::Away("no answer".to_owned());
        assert_eq!(teller.lines(away()), [(false, "cannot look: no answer; trying again".to_owned())]);
        assert_eq!(teller.lines(away()), []);
        assert_eq!(teller.lines(Look::Well), [(true, "the broker answers again".to_owned())]);
        assert_eq!(teller.lines(Look::Well), []);
    }

    #[test]
    fn what_is_mended_is_told_each_time_and_what_cannot_be_mended_once() {
        let mut teller = Teller::default();
        let mended = || Look::Differed(vec![("a binding".to_owned(), true), ("a queue".to_owned(), false)]);
        let told = teller.lines(mended());
        assert_eq!(told[0], (true, "mended: a binding".to_owned()));
        assert_eq!(told[1], (false, "cannot mend: a queue; a person has to look".to_owned()));
        assert_eq!(teller.lines(mended()), [(true, "mended: a binding".to_owned())]);
        assert_eq!(teller.lines(Look::Well), [(true, "is well again: a queue".to_owned())]);
    }
}

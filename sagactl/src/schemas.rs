//! The events' contracts: their files, and the promise that a released one does not change under its readers.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use shared_events::EventType;
use shared_events::schemas::generate::{asyncapi, newest, print};

use crate::console::Palette;

mod compatibility;
mod record;

pub use compatibility::{Break, breaks, promises};
use record::Record;

const FOLDER: &str = "shared-events/schemas";

fn path(event_type: EventType, version: u32) -> String {
    format!("{FOLDER}/{event_type}.v{version}.json")
}

/// The newest version of every contract, and the AsyncAPI document. Files of older versions have no type any more that
/// they could be made from, and stay as they were released.
pub fn files() -> Vec<(String, String)> {
    let contracts = EventType::ALL.iter().map(|event_type| {
        let name = path(*event_type, event_type.version());
        (name, print(&newest(*event_type)))
    });
    contracts.chain([(format!("{FOLDER}/asyncapi.json"), print(&asyncapi()))]).collect()
}

/// The files by which what lies below `root` for the first time becomes released; see `record.rs`.
///
/// # Errors
/// A record that cannot be read, or an event without a golden file.
pub fn recorded(root: &Path) -> Result<Vec<(String, String)>> {
    Record::read(root)?.additions(root)
}

/// Fails when the types say something else than the contracts that lie below `root` promise, or than was ever released;
/// when the contract of an older version is gone, or a frozen file changed.
///
/// # Errors
/// Every break, and how to make a new version instead.
pub fn refuse_breaks(root: &Path) -> Result<()> {
    let mut found = Record::read(root)?.breaks(root)?;
    for event_type in EventType::ALL {
        for version in 1..event_type.version() {
            let name = path(*event_type, version);
            if read(&root.join(&name))?.is_none() {
                found.push(format!("{name} is missing: messages of this version may still be on their way"));
            }
        }
        let name = path(*event_type, event_type.version());
        // A version without a file is new.
        if let Some(released) = read(&root.join(&name))? {
            found.extend(describe(&name, &breaks(&released, &newest(*event_type))));
        }
    }
    refuse(&found)
}

/// Compares every contract of another commit with the one that lies below `root`, and its record of what was released.
///
/// # Errors
/// Every break, a contract or a line of the record that is gone, or what git says when it cannot answer.
pub fn check_against(root: &Path, reference: &str, palette: Palette) -> Result<()> {
    let listed = git(root, &["ls-tree", "-r", "--name-only", reference, "--", FOLDER])?;
    let mut found = Vec::new();
    let mut compared = 0;
    for name in listed.lines().filter(|name| is_contract(name)) {
        let text = git(root, &["show", &format!("{reference}:{name}")])?;
        let released = serde_json::from_str(&text).with_context(|| format!("{name} at {reference}"))?;
        match read(&root.join(name))? {
            Some(proposed) => found.extend(describe(name, &breaks(&released, &proposed))),
            None => found.push(format!("{name} is missing: it was released")),
        }
        compared += 1;
    }
    if listed.lines().any(|name| name == record::FILE) {
        let earlier = Record::parse(git(root, &["show", &format!("{reference}:{}", record::FILE)])?)?;
        found.extend(Record::read(root)?.lost_since(&earlier));
    }
    refuse(&found)?;
    println!("{} {compared} contracts of {reference} still hold", palette.mark(true));
    Ok(())
}

/// Not the AsyncAPI document, and not what is frozen, whose digests the record holds.
fn is_contract(name: &str) -> bool {
    let file = name.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    file.ends_with(".json") && file != "asyncapi.json" && !file.contains('/')
}

fn read(path: &Path) -> Result<Option<Value>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).with_context(|| path.display().to_string())?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn describe(name: &str, breaks: &[Break]) -> Vec<String> {
    breaks.iter().map(|broken| format!("{name}: {broken}")).collect()
}

fn refuse(found: &[String]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    bail!(
        "released contracts would break:\n  {}\nA released version may get optional fields and better descriptions, and \
         nothing else. Give the event a new version: shared-events/src/schemas.rs says how.",
        found.join("\n  ")
    )
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().context("starting git")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("git's answer is not UTF-8")
}

#[cfg(test)]
pub(crate) mod tests;

//! The record of what was released, `schemas/released.sha256`: every file on it is as it was, and every file that is to be
//! frozen is on it. That the types keep what is frozen, `sagactl generate --check` sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use sha2::{Digest, Sha256};
use shared_events::schemas::ALL;

const BASE: &str = env!("CARGO_MANIFEST_DIR");

/// Digests by path below `shared-events/`.
fn record() -> BTreeMap<String, String> {
    let text = fs::read_to_string(Path::new(BASE).join("schemas/released.sha256")).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let record: BTreeMap<_, _> = lines
        .iter()
        .map(|line| line.split_once("  ").unwrap_or_else(|| panic!("not as sha256sum writes it: {line}")))
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect();
    assert_eq!(record.len(), lines.len(), "none twice");
    record
}

fn files(folder: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(Path::new(BASE).join(folder)).unwrap();
    entries.map(move |entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
}

#[test]
fn every_file_on_record_is_there_as_it_was_released() {
    for (path, digest) in record() {
        let bytes = fs::read(Path::new(BASE).join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let found = format!("{:x}", Sha256::digest(bytes));
        assert_eq!(found, digest, "{path} was released and is frozen; see src/schemas.rs");
    }
}

#[test]
fn every_golden_file_and_every_contract_is_on_record() {
    let listed: BTreeSet<String> = record().into_keys().collect();
    let frozen: BTreeSet<String> = files("golden").chain(files("schemas/released")).collect();
    assert_eq!(
        listed, frozen,
        "left the record, right what lies there; `sagactl generate` puts new files on it"
    );
    for schema in ALL {
        let first = format!("schemas/released/{}.v{}.json", schema.event_type, schema.version);
        assert!(listed.contains(&first), "{first} is not on record");
    }
}

//! The customers' file, read back.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::Entry;

/// What one order's lines say.
#[derive(Default)]
struct Lines {
    placed: usize,
    answered: usize,
    hung_up: usize,
    accepted: bool,
}

/// Each request has one answer (or its customer hung up), and file and memory say the same.
pub(super) fn adds_up(text: &str, journal: &BTreeMap<Uuid, Entry>) -> Vec<String> {
    let mut orders: BTreeMap<Uuid, Lines> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let lines = orders.entry(line["order"].as_str().unwrap().parse().unwrap()).or_default();
        match line["what"].as_str().unwrap() {
            "places" => lines.placed += 1,
            "hung up" => lines.hung_up += 1,
            "accepted" => {
                lines.answered += 1;
                lines.accepted = true;
            }
            "put off" | "refused" | "no answer" => lines.answered += 1,
            "cancels" => {}
            other => return vec![format!("the customers' journal has a line about {other}")],
        }
    }
    let nothing = Lines::default();
    let odd = journal.iter().filter(|(id, entry)| {
        let lines = orders.get(id).unwrap_or(&nothing);
        lines.placed != lines.answered + lines.hung_up
            || (entry.attempts, entry.hung_up, entry.accepted)
                != (lines.placed, lines.hung_up, lines.accepted)
    });
    odd.map(|(id, entry)| format!("the customers' journal does not add up for order {id}: {entry:?}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Kind, *};

    fn complaints(words: &[&str], attempts: usize) -> usize {
        let id = Uuid::from_u128(1);
        let entry =
            Entry { kind: Kind::Ok, attempts, hung_up: 1, accepted: true, put_off_at: None, cancelled: None };
        let lines: Vec<String> =
            words.iter().map(|what| format!(r#"{{"order":"{id}","what":"{what}"}}"#)).collect();
        adds_up(&lines.join("\n"), &BTreeMap::from([(id, entry)])).len()
    }

    #[test]
    fn a_request_without_its_answer_and_a_memory_without_its_line_are_told() {
        let whole = ["places", "hung up", "places", "put off", "places", "accepted", "cancels"];
        assert_eq!(complaints(&whole, 3), 0);
        assert_eq!(complaints(&whole[..5], 3), 1, "an answer is missing");
        assert_eq!(complaints(&whole, 4), 1, "a line is missing");
        assert_eq!(complaints(&["something else"], 3), 1);
    }
}

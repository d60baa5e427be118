//! Messages to customers: each that notification says it sent has left, once, and no other has.

use std::{collections::BTreeMap, path::Path};

use shared_events::Service;
use uuid::Uuid;

use crate::Platform;

const MESSAGES: &str = "SELECT id, order_id, event_type, channel, status FROM notifications";

/// Each message has one file of its name and each file its message; nothing waits. For platforms whose
/// notification writes into a folder; others have nothing to say.
pub async fn mail(platform: &Platform) -> Vec<String> {
    if !platform.services().contains(&Service::Notification) {
        return Vec::new();
    }
    let rows: Vec<(Uuid, Uuid, String, String, String)> =
        sqlx::query_as(MESSAGES).fetch_all(&mut platform.database("notification").await).await.unwrap();
    let folder = platform.mail_directory();
    let mut posted: BTreeMap<String, usize> = BTreeMap::new();
    for (folder, kind) in [(folder.clone(), "eml"), (folder.join("sms"), "txt")] {
        for name in names(&folder, kind) {
            *posted.entry(name).or_default() += 1;
        }
    }
    let messages = rows.into_iter().map(|(id, order, event, channel, status)| {
        (id.to_string(), (format!("the {channel} about {event} of order {order}"), status))
    });
    judge(&messages.collect(), &posted)
}

fn judge(messages: &BTreeMap<String, (String, String)>, posted: &BTreeMap<String, usize>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (id, (what, status)) in messages {
        match (status.as_str(), posted.get(id)) {
            ("sent", Some(1)) => {}
            ("sent", None) => complaints.push(format!("{what} ({id}) is noted as sent and never left")),
            ("sent", Some(times)) => complaints.push(format!("{what} ({id}) left {times} times")),
            (other, _) => complaints.push(format!("{what} ({id}) is {other}")),
        }
    }
    let strange = posted.keys().filter(|id| !messages.contains_key(*id));
    complaints.extend(strange.map(|id| format!("message {id} left and notification knows nothing of it")));
    complaints
}

/// The names, without their ending, of the files of one kind.
fn names(folder: &Path, kind: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == kind))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(status: &str, posted: &[(&str, usize)]) -> Vec<String> {
        let messages = BTreeMap::from([("a".to_owned(), ("the mail".to_owned(), status.to_owned()))]);
        judge(&messages, &posted.iter().map(|(id, times)| ((*id).to_owned(), *times)).collect())
    }

    #[test]
    fn a_message_that_is_missing_doubled_waiting_or_unknown_is_told() {
        assert_eq!(complaints("sent", &[("a", 1)]), Vec::<String>::new());
        assert!(complaints("sent", &[])[0].contains("never left"));
        assert!(complaints("sent", &[("a", 2)])[0].contains("2 times"));
        assert!(complaints("queued", &[("a", 1)])[0].contains("is queued"));
        assert!(complaints("sent", &[("a", 1), ("b", 1)])[0].contains("knows nothing"));
    }
}

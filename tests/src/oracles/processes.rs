//! Processes: ready again, and none of them panicked.

use std::{path::Path, time::Duration};

use crate::Platform;

/// A service that takes longer to say that it is ready is not.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Every service says that it is ready.
pub async fn unready(platform: &Platform) -> Vec<String> {
    let mut complaints = Vec::new();
    for service in platform.services() {
        let url = platform.url(service.name(), "/readyz");
        match tokio::time::timeout(ANSWER_WITHIN, platform.http().get(&url)).await {
            Ok(Ok(answer)) if answer.status.is_success() => {}
            Ok(Ok(answer)) => complaints.push(format!("{service} is not ready: {}", answer.text)),
            Ok(Err(error)) => complaints.push(format!("{service} is not ready: {error:#}")),
            Err(_) => {
                complaints.push(format!("{service} does not say that it is ready within {ANSWER_WITHIN:?}"))
            }
        }
    }
    complaints
}

/// Where the panics come from that a test has asked for (`FAULT_POINT=panic_…`).
const ON_PURPOSE: &str = "chassis/src/faults/";

/// No process wrote of a panic, other than one on purpose.
#[must_use]
pub fn panics(logs: &Path) -> Vec<String> {
    let files = std::fs::read_dir(logs).into_iter().flatten().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let mut complaints = Vec::new();
    for path in logs {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let panicked = text.lines().filter(|line| line.contains("panicked at") && !line.contains(ON_PURPOSE));
        complaints.extend(panicked.map(|line| format!("{}: {line}", path.file_name().unwrap().display())));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_any_log_is_told() {
        let folder = std::env::temp_dir().join(format!("panics-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let on_purpose = "thread 'y' panicked at chassis/src/faults/wanted.rs:42:5:\n";
        std::fs::write(folder.join("order.log"), format!("all is well\n{on_purpose}")).unwrap();
        assert_eq!(panics(&folder), Vec::<String>::new());
        std::fs::write(folder.join("order.log"), "all is well\nthread 'x' panicked at src/main.rs\n")
            .unwrap();
        assert_eq!(panics(&folder), ["order.log: thread 'x' panicked at src/main.rs"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

//! What the services' own audits say; compared with our own arithmetic elsewhere.

use crate::Platform;

/// Inventory's and payment's audits are balanced.
pub async fn audits(platform: &Platform) -> Vec<String> {
    let mut complaints = Vec::new();
    for (service, path) in [("inventory", "/stock/audit"), ("payment", "/ledger/audit")] {
        let answer = platform.ask(service, path).await;
        if !answer.status.is_success() || answer.json()["balanced"] != true {
            complaints.push(format!("{service}{path} is not balanced: {} {}", answer.status, answer.text));
        }
    }
    complaints
}

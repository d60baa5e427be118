//! Tests of the command line's library against a real Postgres and RabbitMQ: those of the test stack, whose addresses
//! and passwords stand in the file that `SAGA_TEST_STACK` names (`make test` starts it and sets the variable).

mod provision;
mod topology;

use std::collections::HashMap;

/// The test stack's variables.
struct Stack(HashMap<String, String>);

impl Stack {
    /// Reads the file. Without a stack these tests could prove nothing, so they fail rather than pass.
    fn read() -> Self {
        let path = std::env::var("SAGA_TEST_STACK").expect(
            "SAGA_TEST_STACK names the stack.env of a running test stack; `make test` starts one and sets it",
        );
        let text = std::fs::read_to_string(&path).expect("the test stack's variables");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("the test stack sets {name}"))
    }

    fn find(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// A name no other test uses, now or after a run that was killed.
fn unique(what: &str) -> String {
    format!("{what}_{}", uuid::Uuid::now_v7().simple())
}

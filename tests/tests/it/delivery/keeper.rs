//! `sagactl topology keep` as a process beside a platform.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

use shared_events::Service;
use system_tests::{Platform, binary, eventually};

/// A running keeper of a platform's virtual host; dropping it ends it. It brings every service's queues, so the
/// platform must be whole.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    log: PathBuf,
}

impl Keeper {
    /// Starts a keeper that looks every second; `time_scale` is the platform's.
    pub(super) fn start(platform: &Platform, time_scale: u32) -> Self {
        assert_eq!(platform.services().len(), Service::ALL.len(), "a keeper wants a whole platform");
        let log = platform.logs().join("keeper.log");
        let output = File::options().create(true).append(true).open(&log).unwrap();
        let users = Service::ALL.iter().map(|service| service.name()).chain(["operator"]);
        let passwords = users.map(|user| format!("{}_AMQP_PASSWORD", user.to_uppercase()));
        let passwords = passwords.map(|name| (name.clone(), platform.stack().get(&name).to_owned()));
        let child = Command::new(binary("sagactl"))
            .args(["topology", "keep", "--every", "1"])
            .env_clear()
            .envs(passwords)
            .env("BROKER_MANAGEMENT_URL", platform.stack().get("BROKER_MANAGEMENT_URL"))
            .env("BROKER_VHOST", platform.name())
            .env("TIME_SCALE", time_scale.to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Waits until its log says so.
    pub(super) async fn says(&self, words: &str) {
        eventually(&format!("the keeper says {words}"), async || {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            if log.contains(words) { Ok(()) } else { Err(log) }
        })
        .await;
    }

    /// SIGTERM, and how it ended.
    pub(super) async fn terminate(mut self) -> ExitStatus {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        eventually("the keeper ends", async || match self.child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err("still running"),
        })
        .await
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

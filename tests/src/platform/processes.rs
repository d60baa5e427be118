//! The processes of a platform: how they are told what they need, started, and ended.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use shared_events::Service;

use super::{Platform, Wire, ports::keep_port};
use crate::eventually;

impl Platform {
    /// Starts a process, with further variables for this run of it. A name like `order-2` is one
    /// more replica of `order`.
    pub fn launch(&self, process: &'static str, variables: &[(&str, &str)]) {
        let role = role(process);
        let program = match role {
            "simulators" => "simulators".to_owned(),
            service => format!("{service}-service"),
        };
        self.ports.lock().unwrap().entry(process).or_insert_with(|| keep_port(&self.stack.ports()));
        let log =
            File::options().create(true).append(true).open(self.logs.join(format!("{process}.log"))).unwrap();
        let mut command = Command::new(binary(&program));
        command
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "RUST_LOG"))
            .envs(self.variables(process))
            .envs(self.options.variables.iter().filter(|v| v.0 == role).map(|(_, n, v)| (*n, v.as_str())))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{program}: {error}; build the programs with `cargo build --workspace --bins`")
        });
        self.processes.lock().unwrap().insert(process, child);
    }

    fn variables(&self, process: &'static str) -> Vec<(String, String)> {
        let stack = &self.stack;
        let port = self.port(process);
        let process = role(process);
        let upper = process.to_uppercase();
        let mut variables = vec![
            ("HTTP_ADDR".to_owned(), format!("127.0.0.1:{port}")),
            ("TIME_SCALE".to_owned(), self.options.time_scale.to_string()),
        ];
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        if process == "simulators" {
            set("JOURNAL_PATH", self.logs.join("simulators.journal").display().to_string());
            set("SHIPPING_URL", self.url("shipping", ""));
            set("CARRIER_DISPATCH_AFTER_SECONDS", self.options.dispatch_after.to_string());
            set("CARRIER_DELIVER_AFTER_SECONDS", self.options.deliver_after.to_string());
            return variables;
        }
        let (database, broker) =
            (stack.get(&format!("{upper}_DB_PASSWORD")), stack.get(&format!("{upper}_AMQP_PASSWORD")));
        let service: Service = process.parse().unwrap();
        // Through the service's own proxy, when it has one.
        let through = |wire: Wire, port: String| {
            let proxy = self.proxies.get(&(service, wire));
            format!("127.0.0.1:{}", proxy.map_or(port, |proxy| proxy.port().to_string()))
        };
        let name = &self.name;
        let postgres = through(Wire::Postgres, stack.get("POSTGRES_PORT").to_owned());
        let amqp = through(Wire::Amqp, stack.get("AMQP_PORT").to_owned());
        let outside = format!("http://{}", through(Wire::Outside, self.port("simulators").to_string()));
        set("DATABASE_URL", format!("postgres://{process}:{database}@{postgres}/{name}_{process}"));
        set("AMQP_URL", format!("amqp://{process}:{broker}@{amqp}/{name}"));
        let management = stack.get("MANAGEMENT_PORT");
        set("BROKER_MANAGEMENT_URL", format!("http://{process}:{broker}@127.0.0.1:{management}"));
        match service {
            Service::Payment => {
                set("GATEWAY_URL", outside);
                set("GATEWAY_JOURNAL_URL", self.url("simulators", ""));
            }
            Service::Shipping => set("CARRIER_URL", outside),
            Service::Notification => set("MAIL_DIRECTORY", self.mail_directory().display().to_string()),
            Service::Analytics => {
                let port = stack.get("REDIS_PORT").to_owned();
                let near = through(Wire::Redis, port.clone());
                set("REDIS_URL", stack.get("REDIS_URL").replace(&format!("127.0.0.1:{port}"), &near));
                set("REDIS_KEY_PREFIX", name.clone());
            }
            Service::Gateway => {
                for upstream in self.options.services.iter().filter(|service| **service != Service::Gateway) {
                    set(&format!("{}_URL", upstream.name().to_uppercase()), self.url(upstream.name(), ""));
                }
            }
            Service::Order | Service::Inventory | Service::Ai => {}
        }
        variables
    }

    /// Waits until a process says that it is ready.
    pub async fn ready(&self, process: &'static str) {
        let url = self.url(process, "/readyz");
        eventually(&format!("{process} is ready (see {})", self.logs.display()), async || {
            match self.http.get(&url).await {
                Ok(answer) if answer.status.is_success() => Ok(()),
                Ok(answer) => Err(answer.text),
                Err(error) => Err(format!("{error:#}")),
            }
        })
        .await;
    }

    /// `kill -9`, and waits for the process to be gone.
    pub fn kill(&self, process: &'static str) {
        let mut child = self.take(process);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM; gives the exit status once the process has drained.
    pub async fn terminate(&self, process: &'static str) -> ExitStatus {
        let mut child = self.take(process);
        let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(kill.success());
        eventually(&format!("{process} drains and ends"), async || match child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err("still running"),
        })
        .await
    }

    /// Waits until a process has ended by itself (a crash point).
    pub async fn wait_for_death(&self, process: &'static str) {
        let mut child = self.take(process);
        eventually(&format!("{process} dies"), async || match child.try_wait().unwrap() {
            Some(status) if status.success() => panic!("{process} ended well, it was meant to crash"),
            Some(_) => Ok(()),
            None => Err("still running"),
        })
        .await;
    }

    /// Whether a process has ended by itself meanwhile (a crash point); if so, it is forgotten.
    pub fn has_died(&self, process: &'static str) -> bool {
        let mut processes = self.processes.lock().unwrap();
        let Some(child) = processes.get_mut(process) else { return true };
        match child.try_wait().unwrap() {
            Some(status) if status.success() => panic!("{process} ended well, it was meant to crash"),
            Some(_) => processes.remove(process).is_some(),
            None => false,
        }
    }

    /// The process id of a running process.
    #[must_use]
    pub fn pid(&self, process: &str) -> u32 {
        self.processes.lock().unwrap()[process].id()
    }

    fn take(&self, process: &str) -> Child {
        let taken = self.processes.lock().unwrap().remove(process);
        taken.unwrap_or_else(|| panic!("{process} does not run"))
    }
}

/// Of what `order-2` is a replica.
pub(super) fn role(process: &'static str) -> &'static str {
    process.split('-').next().unwrap_or(process)
}

/// A program of this workspace, beside the test that is running.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.ancestors()
        .map(Path::new)
        .skip(1)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not built; run `cargo build --workspace --bins` first"))
}

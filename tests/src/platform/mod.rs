//! The platform itself: databases, virtual host, processes.

mod options;
mod ports;
mod processes;
mod questions;
mod queues;
mod template;
mod wires;

use std::{collections::BTreeMap, path::PathBuf, process::Child, sync::Mutex};

use chassis::faults::Bug;
use sagactl::provision;
use shared_events::{EventType, Service};
use uuid::Uuid;

use crate::{Broker, Http, Proxy, Stack};

use ports::{Port, keep_port};

pub use options::Options;
pub use processes::binary;
pub use queues::UNHEARD;
pub use wires::Wire;

/// A running platform; dropping it ends its processes and removes its databases and virtual host.
#[derive(Debug)]
pub struct Platform {
    stack: Stack,
    name: String,
    http: Http,
    broker: Broker,
    options: Options,
    ports: Mutex<BTreeMap<&'static str, Port>>,
    processes: Mutex<BTreeMap<&'static str, Child>>,
    proxies: BTreeMap<(Service, Wire), Proxy>,
    logs: PathBuf,
}

impl Platform {
    /// Databases from the template, a virtual host, all processes, and every service ready.
    pub async fn start(options: Options) -> Self {
        let stack = Stack::read();
        let name = format!("t{}", &Uuid::new_v4().simple().to_string()[..12]);
        let http = Http::default();
        let template = template::template(&stack).await;
        let services: Vec<&'static str> = options.services.iter().map(|service| service.name()).collect();
        provision::from_template(stack.get("POSTGRES_ADMIN_URL"), &template, &name, &services).await.unwrap();

        let processes: Vec<&'static str> = std::iter::once("simulators").chain(services).collect();
        let ports: BTreeMap<_, _> =
            processes.iter().map(|process| (*process, keep_port(&stack.ports()))).collect();
        let proxies = match options.proxied {
            true => wires::lay(&options.services, &stack, ports["simulators"].number).await,
            false => BTreeMap::new(),
        };
        let platform = Self {
            broker: Broker::new(http.clone(), stack.clone(), name.clone()),
            logs: stack.logs(&name),
            stack,
            name,
            http,
            options,
            ports: Mutex::new(ports),
            processes: Mutex::default(),
            proxies,
        };
        platform.apply(None).await;
        for process in &processes {
            platform.launch(process, &[]);
        }
        for process in processes {
            platform.ready(process).await;
        }
        // Only now: no service gets ready on a broker that is not as it should be.
        if platform.planted().is_some() {
            platform.apply_topology().await;
        }
        platform
    }

    /// `sagactl topology apply` for this platform's virtual host, without the queues of services that
    /// do not run.
    pub async fn apply_topology(&self) {
        self.apply(self.planted()).await;
    }

    /// The bug that all services have, if one is planted.
    fn planted(&self) -> Option<Bug> {
        let mut variables = self.options.variables.iter();
        variables.find(|(_, name, _)| *name == "PLANTED_BUG").and_then(|(_, _, bug)| Bug::from_name(bug))
    }

    async fn apply(&self, planted: Option<Bug>) {
        let (stack, name) = (&self.stack, &self.name);
        let management = sagactl::broker::Management::at(stack.get("BROKER_MANAGEMENT_URL"), name).unwrap();
        let secrets = sagactl::topology::secrets(|variable| stack.find(variable).map(str::to_owned));
        let definitions = sagactl::topology::definitions(name, self.options.time_scale, &secrets);
        let mut definitions = queues::only(definitions, name, &self.options.services);
        if let Some(bug) = planted {
            chassis::faults::plant_in_topology(bug, &mut definitions);
        }
        sagactl::topology::apply(&management, &definitions).await.unwrap();
    }

    /// The services of this platform.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.options.services
    }

    /// Which of this platform's services an event is delivered to.
    pub fn hearers(&self, event_type: EventType) -> impl Iterator<Item = Service> {
        self.services().iter().copied().filter(move |service| event_type.entry().is_consumed_by(*service))
    }

    /// Its name: virtual host, prefix of its databases and of its keys in Redis.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where this platform's processes write.
    #[must_use]
    pub fn logs(&self) -> &std::path::Path {
        &self.logs
    }

    /// Where notification puts what it sends.
    #[must_use]
    pub fn mail_directory(&self) -> PathBuf {
        self.logs.join("mail")
    }

    /// Address of a process.
    #[must_use]
    pub fn url(&self, process: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port(process))
    }

    /// The port of a process.
    #[must_use]
    pub fn port(&self, process: &str) -> u16 {
        self.ports.lock().unwrap()[process].number
    }

    /// The proxy between a service and one of its servers; only with [`Options::proxied`].
    #[must_use]
    pub fn proxy(&self, service: &str, wire: Wire) -> &Proxy {
        &self.proxies[&(service.parse().unwrap(), wire)]
    }

    /// The HTTP client.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The broker.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The servers underneath.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// What a process wrote to its log so far.
    #[must_use]
    pub fn log(&self, process: &str) -> String {
        std::fs::read_to_string(self.logs.join(format!("{process}.log"))).unwrap_or_default()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        for (_, mut child) in std::mem::take(&mut *self.processes.lock().unwrap()) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let (stack, name) = (self.stack.clone(), self.name.clone());
        let counts = self.services().contains(&Service::Analytics);
        // Dropping is synchronous and may happen while a test panics; a thread of its own can wait.
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if counts {
                    crate::counters::delete_keys(&stack, &name).await?;
                }
                sagactl::broker::Management::at(stack.get("BROKER_MANAGEMENT_URL"), &name)?
                    .delete_vhost()
                    .await?;
                provision::drop_databases(stack.get("POSTGRES_ADMIN_URL"), &name).await
            })
        });
        match cleaned.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("platform {} is not wholly removed: {error:#}", self.name),
            Err(_) => eprintln!("platform {} is not wholly removed", self.name),
        }
    }
}

//! The platform itself: databases, virtual host, processes, and the questions tests ask of it.

use std::{
    collections::BTreeMap,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sagactl::provision::{self, ProvisionConfig};
use serde_json::{Value, json};
use shared_events::Service;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use crate::{Answer, Broker, Http, Product, Stack, eventually, order_body};

/// The participants, in the order in which an order visits them.
const PARTICIPANTS: [Service; 4] = [Service::Order, Service::Inventory, Service::Payment, Service::Shipping];

/// How a platform differs from the default one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Divides every deadline and the retry ladder.
    pub time_scale: u32,
    /// Seconds from booking to hand-over, before the time scale; 0 is never.
    pub dispatch_after: u32,
    /// Seconds from booking to delivery, before the time scale; 0 is never.
    pub deliver_after: u32,
    /// Further variables, by process (`order`, …, `simulators`).
    pub variables: Vec<(&'static str, &'static str, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { time_scale: 1, dispatch_after: 0, deliver_after: 0, variables: Vec::new() }
    }
}

impl Options {
    /// Every deadline divided by `time_scale`.
    #[must_use]
    pub fn fast(time_scale: u32) -> Self {
        Self { time_scale, ..Self::default() }
    }

    /// Adds a variable for one process.
    #[must_use]
    pub fn with(mut self, process: &'static str, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((process, name, value.into()));
        self
    }
}

/// A running platform; dropping it ends its processes and removes its databases and virtual host.
#[derive(Debug)]
pub struct Platform {
    stack: Stack,
    name: String,
    http: Http,
    broker: Broker,
    options: Options,
    ports: BTreeMap<&'static str, u16>,
    processes: BTreeMap<&'static str, Child>,
    logs: PathBuf,
}

impl Platform {
    /// Databases from the template, a virtual host, all processes, and every service ready.
    pub async fn start(options: Options) -> Self {
        let stack = Stack::read();
        let name = format!("t{}", &Uuid::new_v4().simple().to_string()[..12]);
        let http = Http::default();
        let template = template(&stack).await;
        let admin = stack.get("POSTGRES_ADMIN_URL");
        provision::from_template(admin, &template, &name).await.unwrap();

        let ports = std::iter::once("simulators")
            .chain(PARTICIPANTS.iter().map(|service| service.name()))
            .map(|process| (process, free_port()))
            .collect();
        let mut platform = Self {
            broker: Broker::new(http.clone(), stack.clone(), name.clone()),
            logs: stack.logs(&name),
            stack,
            name,
            http,
            options,
            ports,
            processes: BTreeMap::new(),
        };
        platform.apply_topology().await;
        platform.launch("simulators", &[]);
        for service in PARTICIPANTS {
            platform.launch(service.name(), &[]);
        }
        for process in platform.ports.keys().copied().collect::<Vec<_>>() {
            platform.ready(process).await;
        }
        platform
    }

    /// `sagactl topology apply` for this platform's virtual host.
    pub async fn apply_topology(&self) {
        let (stack, name) = (&self.stack, &self.name);
        let management = sagactl::broker::Management::at(stack.get("BROKER_MANAGEMENT_URL"), name).unwrap();
        let secrets = sagactl::topology::secrets(|variable| stack.find(variable).map(str::to_owned));
        let definitions = sagactl::topology::definitions(name, self.options.time_scale, &secrets);
        sagactl::topology::apply(&management, &definitions).await.unwrap();
    }

    /// Starts a process, with further variables for this run of it. A name like `order-2` is one
    /// more replica of `order`.
    pub fn launch(&mut self, process: &'static str, variables: &[(&str, &str)]) {
        let role = role(process);
        let program = match role {
            "simulators" => "simulators".to_owned(),
            service => format!("{service}-service"),
        };
        self.ports.entry(process).or_insert_with(free_port);
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
        self.processes.insert(process, child);
    }

    fn variables(&self, process: &'static str) -> Vec<(String, String)> {
        let stack = &self.stack;
        let port = self.ports[process];
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
        set(
            "DATABASE_URL",
            format!(
                "postgres://{process}:{database}@127.0.0.1:{}/{}_{process}",
                stack.get("POSTGRES_PORT"),
                self.name
            ),
        );
        set(
            "AMQP_URL",
            format!("amqp://{process}:{broker}@127.0.0.1:{}/{}", stack.get("AMQP_PORT"), self.name),
        );
        set(
            "BROKER_MANAGEMENT_URL",
            format!("http://{process}:{broker}@127.0.0.1:{}", stack.get("MANAGEMENT_PORT")),
        );
        set("GATEWAY_URL", self.url("simulators", ""));
        set("GATEWAY_JOURNAL_URL", self.url("simulators", ""));
        set("CARRIER_URL", self.url("simulators", ""));
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
    pub fn kill(&mut self, process: &'static str) {
        let mut child = self.processes.remove(process).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM; gives the exit status once the process has drained.
    pub async fn terminate(&mut self, process: &'static str) -> std::process::ExitStatus {
        let mut child = self.processes.remove(process).unwrap();
        let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(kill.success());
        eventually(&format!("{process} drains and ends"), async || match child.try_wait().unwrap() {
            Some(status) => Ok(status),
            None => Err("still running"),
        })
        .await
    }

    /// Waits until a process has ended by itself (a crash point).
    pub async fn wait_for_death(&mut self, process: &'static str) {
        let mut child = self.processes.remove(process).unwrap();
        eventually(&format!("{process} dies"), async || match child.try_wait().unwrap() {
            Some(status) if status.success() => panic!("{process} ended well, it was meant to crash"),
            Some(_) => Ok(()),
            None => Err("still running"),
        })
        .await;
    }

    /// Whether a process has ended by itself meanwhile (a crash point); if so, it is forgotten.
    pub fn has_died(&mut self, process: &'static str) -> bool {
        let Some(child) = self.processes.get_mut(process) else { return true };
        match child.try_wait().unwrap() {
            Some(status) if status.success() => panic!("{process} ended well, it was meant to crash"),
            Some(_) => self.processes.remove(process).is_some(),
            None => false,
        }
    }

    /// Address of a process.
    #[must_use]
    pub fn url(&self, process: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[process])
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

    /// A connection to a service's database, as superuser.
    pub async fn database(&self, service: &str) -> PgConnection {
        let url = self.stack.get("POSTGRES_ADMIN_URL");
        let url = format!("{}/{}_{service}", url.rsplit_once('/').unwrap().0, self.name);
        PgConnection::connect(&url).await.unwrap()
    }

    /// Runs a statement in a service's database.
    pub async fn sql(&self, service: &str, statement: &str) {
        self.database(service).await.execute(AssertSqlSafe(statement)).await.unwrap();
    }

    /// A number from a service's database.
    pub async fn count(&self, service: &str, query: &str) -> i64 {
        let mut connection = self.database(service).await;
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap()
    }

    /// GET that must succeed, as JSON.
    pub async fn get(&self, process: &str, path: &str) -> Value {
        self.http.get(&self.url(process, path)).await.unwrap().expect(200)
    }

    /// GET, whatever the answer.
    pub async fn ask(&self, process: &str, path: &str) -> Answer {
        self.http.get(&self.url(process, path)).await.unwrap()
    }

    /// POST, whatever the answer.
    pub async fn post(&self, process: &str, path: &str, body: &Value) -> Answer {
        self.http.post(&self.url(process, path), body).await.unwrap()
    }

    /// A new product with that many on hand, at 24.99.
    pub async fn product(&self, quantity: i64) -> Product {
        let name = format!("Test product {}", Uuid::new_v4());
        let body =
            json!({ "name": name, "description": "made for a test", "price": 24.99, "quantity": quantity });
        let created = self.post("inventory", "/products", &body).await.expect(201);
        Product { id: created["id"].as_str().unwrap().parse().unwrap(), price_minor: 2499 }
    }

    /// Places an order of one line and gives its id.
    pub async fn place(&self, product: Product, quantity: u32, token: &str) -> Uuid {
        self.place_body(&order_body(product, quantity, token)).await
    }

    /// Places an order and gives its id.
    pub async fn place_body(&self, body: &Value) -> Uuid {
        let placed = self.post("order", "/orders", body).await.expect(201);
        placed["id"].as_str().unwrap().parse().unwrap()
    }

    /// The order as its service shows it.
    pub async fn order(&self, order: Uuid) -> Value {
        self.get("order", &format!("/orders/{order}")).await
    }

    /// Waits for a status, and gives the order.
    pub async fn until_status(&self, order: Uuid, status: &str) -> Value {
        eventually(&format!("order {order} is {status}"), async || {
            let shown = self.order(order).await;
            if shown["status"] == status { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }

    /// Waits until a dead order has every compensation accounted for, and gives the order.
    pub async fn until_made_good(&self, order: Uuid, status: &str) -> Value {
        eventually(&format!("order {order} is {status} and made good"), async || {
            let shown = self.order(order).await;
            let good = shown["status"] == status && compensation(&shown) == "complete";
            if good { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }

    /// What the gateway and the carrier themselves say about an order.
    pub async fn journal(&self, order: Uuid) -> Value {
        self.get("simulators", &format!("/journal/orders/{order}")).await
    }

    /// What one service logged for an order.
    pub async fn saga_log(&self, service: &str, order: Uuid) -> Vec<Value> {
        self.get(service, &format!("/saga-logs/{order}")).await.as_array().unwrap().clone()
    }

    /// The ids of the events of that type that a service ever emitted for an order.
    pub async fn emitted(&self, service: &str, order: Uuid, event_type: &str) -> Vec<Uuid> {
        let mut connection = self.database(service).await;
        sqlx::query_scalar(
            "SELECT event_id FROM outbox WHERE aggregate_id = $1 AND event_type = $2 ORDER BY seq",
        )
        .bind(order)
        .bind(event_type)
        .fetch_all(&mut connection)
        .await
        .unwrap()
    }

    /// The body of the newest event of that type for an order.
    pub async fn event_body(&self, service: &str, order: Uuid, event_type: &str) -> String {
        let mut connection = self.database(service).await;
        let query =
            "SELECT body FROM outbox WHERE aggregate_id = $1 AND event_type = $2 ORDER BY seq DESC LIMIT 1";
        eventually(&format!("{service} says {event_type}"), async || {
            let found: Option<String> = sqlx::query_scalar(query)
                .bind(order)
                .bind(event_type)
                .fetch_optional(&mut connection)
                .await
                .unwrap();
            found.ok_or("not yet")
        })
        .await
    }

    /// On hand and reserved of a product.
    pub async fn stock(&self, product: Product) -> (i64, i64) {
        let shown = self.get("inventory", &format!("/products/{}", product.id)).await;
        let number = |key: &str| shown[key].as_i64().unwrap();
        (number("available_quantity") + number("reserved_quantity"), number("reserved_quantity"))
    }

    /// Asserts what must hold after every test: books balanced, nothing unsent, no dead letters,
    /// never two captures, nothing handed over for an order that had died.
    pub async fn assert_sound(&self) {
        self.assert_books().await;
        for service in PARTICIPANTS {
            eventually(&format!("{service} has sent everything"), async || {
                let unsent =
                    self.count(service.name(), "SELECT count(*) FROM outbox WHERE published_at IS NULL");
                match unsent.await {
                    0 => Ok(()),
                    n => Err(format!("{n} unsent")),
                }
            })
            .await;
            let dead = self.broker.peek(&format!("{service}.dlq")).await;
            assert!(dead.is_empty(), "{service} has dead letters: {dead:#?}");
        }
    }

    /// Asserts that stock and money add up, in the services' own audits and the gateway's journal.
    pub async fn assert_books(&self) {
        for (service, path) in [("inventory", "/stock/audit"), ("payment", "/ledger/audit")] {
            eventually(&format!("{service}{path} is balanced"), async || {
                let audit = self.get(service, path).await;
                if audit["balanced"] == true { Ok(()) } else { Err(audit.to_string()) }
            })
            .await;
        }
        let summary = self.get("simulators", "/journal/summary").await;
        assert_eq!(summary["double_captures"], 0, "{summary}");
        assert_eq!(summary["dispatched_after_cancel"], 0, "{summary}");
    }
}

/// `compensation` is a word, or an object with a `status`, depending on what there is to say.
fn compensation(order: &Value) -> &str {
    order["compensation"]["status"].as_str().or_else(|| order["compensation"].as_str()).unwrap_or("none")
}

impl Drop for Platform {
    fn drop(&mut self) {
        for (_, mut child) in std::mem::take(&mut self.processes) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let (stack, name) = (self.stack.clone(), self.name.clone());
        // Dropping is synchronous and may happen while a test panics; a thread of its own can wait.
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
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

/// The migrated databases that every platform is copied from, made once for each build of the
/// migrations (they are embedded, so a new build of this program has a new name for them).
async fn template(stack: &Stack) -> String {
    let built = std::env::current_exe().and_then(|exe| exe.metadata()?.modified()).unwrap();
    let seconds = built.duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis();
    let prefix = format!("tpl{seconds}");
    let admin = stack.get("POSTGRES_ADMIN_URL");
    let mut connection = PgConnection::connect(admin).await.unwrap();
    // Only one test makes it; the others wait for it here.
    const TEMPLATE_LOCK: i64 = 7_202_611;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut connection).await.unwrap();
    let done = format!("{prefix}_done");
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&done)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    if !exists {
        let variable = |name: &str| stack.find(name).map(str::to_owned);
        let config =
            ProvisionConfig::from_variables(admin.to_owned(), Some(prefix.clone()), variable).unwrap();
        provision::run(&config).await.unwrap();
        let mark = format!("CREATE DATABASE {done} TEMPLATE template0");
        connection.execute(AssertSqlSafe(mark)).await.unwrap();
    }
    connection.close().await.unwrap();
    prefix
}

/// Of what `order-2` is a replica.
fn role(process: &'static str) -> &'static str {
    process.split('-').next().unwrap_or(process)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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

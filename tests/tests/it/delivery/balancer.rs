//! A load balancer as anybody would have one: it asks every replica whether it is ready, and gives each
//! new connection to the next one that is. Only a connection that is refused is tried elsewhere; what
//! was sent once is never sent again. When nobody is ready for a while, anybody is better than nobody.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How often replicas are asked. Shorter than the notice a service gives, as it has to be.
const ASKED_EVERY: Duration = Duration::from_millis(50);
/// How long to wait for what a replica says; its own look at its database may take two seconds.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a connection looks for a replica that takes it, and after how many looks it takes anybody.
const LOOKS: usize = 400;
const CHOOSY: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// A listening balancer. Dropping it stops it; connections it made live on.
#[derive(Debug)]
pub(super) struct Balancer {
    port: u16,
    replicas: Arc<Mutex<Replicas>>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Replicas {
    all: Vec<Replica>,
    turn: usize,
}

#[derive(Debug)]
struct Replica {
    port: u16,
    ready: bool,
    given: usize,
}

impl Balancer {
    /// In front of nobody yet.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let replicas = Arc::new(Mutex::new(Replicas::default()));
        let shared = replicas.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(near, shared.clone()));
            }
        });
        Self { port, replicas, tasks: vec![accepting] }
    }

    /// Begins to ask these replicas, by their ports.
    pub(super) fn over(&mut self, ports: &[u16]) {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        for &port in ports {
            self.replicas.lock().unwrap().all.push(Replica { port, ready: false, given: 0 });
            let (client, replicas) = (client.clone(), self.replicas.clone());
            self.tasks.push(tokio::spawn(async move {
                loop {
                    let asked = client.get(format!("http://127.0.0.1:{port}/readyz")).send().await;
                    let ready = asked.is_ok_and(|answer| answer.status().is_success());
                    replicas.lock().unwrap().heard(port, ready);
                    tokio::time::sleep(ASKED_EVERY).await;
                }
            }));
        }
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether it takes that replica for ready.
    pub(super) fn takes(&self, port: u16) -> bool {
        self.replicas.lock().unwrap().all.iter().any(|replica| replica.port == port && replica.ready)
    }

    /// How many connections each replica was given.
    pub(super) fn given(&self) -> Vec<usize> {
        self.replicas.lock().unwrap().all.iter().map(|replica| replica.given).collect()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Replicas {
    fn heard(&mut self, port: u16, ready: bool) {
        self.all.iter_mut().filter(|replica| replica.port == port).for_each(|replica| replica.ready = ready);
    }

    /// The next one that is ready, or that is there at all.
    fn next(&mut self, only_ready: bool) -> Option<&mut Replica> {
        let count = self.all.len();
        let mut turns = (0..count).map(|step| (self.turn + step) % count);
        let found = turns.find(|&i| self.all[i].ready || !only_ready)?;
        self.turn = found + 1;
        Some(&mut self.all[found])
    }
}

async fn carry(mut near: TcpStream, replicas: Arc<Mutex<Replicas>>) {
    for look in 0..LOOKS {
        let chosen = replicas.lock().unwrap().next(look < CHOOSY).map(|replica| {
            replica.given += 1;
            replica.port
        });
        if let Some(port) = chosen
            && let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await
        {
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

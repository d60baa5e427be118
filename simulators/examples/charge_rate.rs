//! Measures how many durable charges a second the gateway answers on this machine:
//! `cargo run -p simulators --example charge_rate -- [charges] [customers]`.

use std::time::Instant;

use anyhow::ensure;
use futures::future::try_join_all;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let charges: usize = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let customers: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let journal = std::env::current_dir()?.join(format!("charge-rate-{}.jsonl", Uuid::new_v4()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/charges", listener.local_addr()?);
    let config = simulators::Config::new(&journal);
    let server = tokio::spawn(simulators::serve(config, listener, std::future::pending()));

    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let customer = async || {
        for _ in 0..charges / customers {
            let order = Uuid::new_v4();
            let body = json!({"order_id": order, "amount_minor": 4998, "currency": "USD",
                "payment_method": {"type": "credit_card", "token": "tok_ok"}});
            let call = client.post(&url).header("Idempotency-Key", format!("payment:{order}")).json(&body);
            let reply = call.send().await?;
            ensure!(reply.status().is_success(), "a charge was answered {}", reply.status());
        }
        Ok(())
    };
    let start = Instant::now();
    try_join_all((0..customers).map(|_| customer())).await?;
    let rate = (charges / customers * customers) as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} durable charges a second with {customers} customers");
    server.abort();
    std::fs::remove_file(journal)?;
    Ok(())
}

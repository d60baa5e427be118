//! The gateway service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(gateway_service::participant, gateway_service::routes)
}

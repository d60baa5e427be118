//! The loyalty service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(loyalty_service::participant, loyalty_service::routes)
}

//! The order service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(order_service::participant, order_service::routes)
}

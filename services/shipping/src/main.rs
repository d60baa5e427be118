//! The shipping service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(shipping_service::participant, shipping_service::routes)
}

//! The inventory service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(inventory_service::participant, inventory_service::routes)
}

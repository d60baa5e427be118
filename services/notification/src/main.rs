//! The notification service as a program.

fn main() {}

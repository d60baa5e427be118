//! The gateway service as a program.

fn main() {}

//! The ai service as a program.

fn main() {}

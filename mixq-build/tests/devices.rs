//! `[package.metadata.mixq.device]`: chips, linker scripts, reserves.

#[path = "devices/budgets.rs"]
mod budgets;
#[path = "devices/chips.rs"]
mod chips;
#[path = "devices/cores.rs"]
mod cores;
#[path = "devices/memory_x.rs"]
mod memory_x;
#[path = "devices/memory_x_messages.rs"]
mod memory_x_messages;

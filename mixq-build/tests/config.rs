//! `[package.metadata.mixq]`: what is read, where it comes from, and every message.

#[path = "config/brought.rs"]
mod brought;
#[path = "config/manifest.rs"]
mod manifest;
#[path = "config/messages.rs"]
mod messages;
#[path = "config/precedence.rs"]
mod precedence;
#[path = "config/reading.rs"]
mod reading;
#[path = "config/samples.rs"]
mod samples;
#[path = "config/sizes.rs"]
mod sizes;
#[path = "config/together.rs"]
mod together;
#[path = "config/values.rs"]
mod values;
#[path = "config/workspaces.rs"]
mod workspaces;

//! Datasets: the real digits, what is cut from where, and every message.

#[path = "dataset/files.rs"]
mod files;
#[path = "dataset/messages.rs"]
mod messages;
#[path = "dataset/reading.rs"]
mod reading;

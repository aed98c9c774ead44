//! Microcontrollers that people own, by name.

mod table;

use std::cmp::Reverse;

use serde::{Serialize, Serializer};

use super::cores::Core;
use crate::error::{Problem, nearest};

pub use table::CHIPS;

/// A microcontroller and the memory that a program finds on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// Its part number in lower case, with the letters of pins and flash size where these tell parts apart.
    pub name: &'static str,
    /// Other names that people write.
    #[serde(skip)]
    pub also: &'static [&'static str],
    /// Bytes of flash.
    #[serde(rename = "flash_bytes")]
    pub flash: u64,
    /// Bytes of contiguous main RAM: what a linker script has as RAM.
    #[serde(rename = "ram_bytes")]
    pub ram: u64,
    /// The processor's highest clock, in Hz.
    #[serde(rename = "clock_hz")]
    pub clock: u64,
    /// The processor.
    #[serde(serialize_with = "title")]
    pub core: &'static Core,
    /// Which of its memories are counted, and which are not.
    pub note: &'static str,
}

fn title<S: Serializer>(core: &&'static Core, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(core.title)
}

/// The chip of a name, in any case, with or without hyphens and package letters: `STM32F405RGT6`,
/// `nrf52840-qiaa`. Without the letters of pins and flash size (`stm32f405`) the listed part is meant.
///
/// # Errors
/// There is none, or several with different memories.
pub fn find(name: &str) -> Result<&'static Chip, Problem> {
    let wanted = plain(name);
    let keys = |chip: &Chip| -> Vec<String> {
        [chip.name].iter().chain(chip.also).map(|name| plain(name)).collect()
    };
    let begins = CHIPS.iter().flat_map(|chip| keys(chip).into_iter().map(move |key| (chip, key)));
    // Of several names that the wanted one continues, the longest says most: nrf52832-qfab has half an
    // nrf52832.
    let whole = begins
        .filter(|(_, key)| {
            // More digits are another part: an ESP32-C61 is not an ESP32-C6.
            wanted
                .strip_prefix(key.as_str())
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .min_by_key(|(_, key)| Reverse(key.len()));
    if let Some((chip, _)) = whole {
        return Ok(chip);
    }
    let pins_and_flash = |rest: &str| rest.len() == 2 && rest.starts_with(|c: char| c.is_ascii_alphabetic());
    let begun: Vec<&Chip> = (CHIPS.iter())
        .filter(|chip| keys(chip).iter().any(|key| key.strip_prefix(&wanted).is_some_and(pins_and_flash)))
        .collect();
    let by_hand = "or write its sizes by hand, like flash = \"512 KiB\" and ram = \"128 KiB\"";
    match begun[..] {
        [chip, ref others @ ..] if others.iter().all(|o| (o.flash, o.ram) == (chip.flash, chip.ram)) => {
            Ok(chip)
        }
        [] => {
            let help = match nearest(&name.to_lowercase(), CHIPS.iter().map(|chip| chip.name)) {
                Some(near) => format!("did you mean `{near}`? `cargo mixq chips` lists all; {by_hand}"),
                None => format!("`cargo mixq chips` lists all; {by_hand}"),
            };
            Err(Problem::new(format!("there is no chip `{}` in the list", name.escape_debug())).help(help))
        }
        _ => {
            let names: Vec<String> = begun.iter().map(|chip| format!("`{}`", chip.name)).collect();
            let message = format!("the chip `{}` is one of {}", name.escape_debug(), names.join(", "));
            Err(Problem::new(message).help(format!("name one, {by_hand}")))
        }
    }
}

/// The chip with the least RAM, of those the one with the least flash, of those one with DSP instructions, on
/// which something fits.
pub fn smallest(fits: impl Fn(&Chip) -> bool) -> Option<&'static Chip> {
    let mut chips: Vec<&Chip> = CHIPS.iter().collect();
    chips.sort_by_key(|chip| (chip.ram, chip.flash, !chip.core.dsp));
    chips.into_iter().find(|chip| fits(chip))
}

/// Lower case, letters and digits only.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

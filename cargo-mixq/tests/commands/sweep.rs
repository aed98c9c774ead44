//! `cargo mixq allocate --sweep` and `--clock`: each row is what the command says of that place alone.

use serde_json::Value;

use crate::allocate::{allocate, refused};

#[test]
fn rows_are_those_of_single_places() {
    let (well, json) = allocate(&["resnet8", "--sweep", "rp2350, 512 KiB + 24K,rp2040"]);
    assert!(well && json["network"] == "resnet8", "{json}");
    let alone: [&[&str]; 3] =
        [&["--chip", "rp2350"], &["--flash", "512 KiB", "--ram", "24K"], &["--chip", "rp2040"]];
    let places = ["rp2350", "512 KiB + 24K", "rp2040"];
    let rows = json["sweep"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for ((row, arguments), place) in rows.iter().zip(alone).zip(places) {
        let (well, mut expected) = allocate(&[&["resnet8"], arguments].concat());
        assert!(well);
        expected["place"] = place.into();
        assert_eq!(*row, expected);
    }
}

#[test]
fn what_does_not_fit_is_a_row() {
    let (well, json) = allocate(&["resnet8", "--sweep", "512K + 1K, 1K + 128K, rp2350"]);
    assert!(well);
    let fits: Vec<&Value> = json["sweep"].as_array().unwrap().iter().map(|row| &row["fits"]).collect();
    assert_eq!(fits, [false, false, true]);
    let (well, _) = allocate(&["resnet8", "--sweep", "512K + 1K"]);
    assert!(!well, "it fits nowhere");
}

#[test]
fn places_that_are_none_are_told_together() {
    let message = refused(&["resnet8", "--sweep", "rp9999,512K + much,rp2350"]);
    for part in ["there is no chip `rp9999`", "`512K + much`: `much` does not begin with a whole number"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(refused(&["resnet8", "--sweep", "rp2350", "--ram", "1K"]).contains("cannot be used with"));
}

#[test]
fn targets_that_are_not_known_are_refused() {
    for target in ["x86_64-unknown-linux-gnu", "thumv7em-none-eabihf"] {
        let message = refused(&["ds_cnn", "--target", target]);
        assert!(message.contains(&format!("the cost model does not know {target}")), "{message}");
    }
}

#[test]
fn time_is_cycles_by_the_clock() {
    let milliseconds = |arguments: &[&str], hertz: f64| {
        let (well, json) = allocate(&[&["ds_cnn"], arguments].concat());
        assert!(well);
        let cycles = json["cycles_estimate"].as_f64().unwrap();
        let time = json["milliseconds_estimate"].as_f64().unwrap();
        assert_eq!(json["clock_hz"].as_f64(), Some(hertz));
        assert!((time - 1000.0 * cycles / hertz).abs() < 1e-9, "{time}");
    };
    milliseconds(&["--chip", "stm32f405rg"], 168e6);
    milliseconds(&["--chip", "stm32f405rg", "--clock", "84 MHz"], 84e6);
    milliseconds(&["--target", "thumbv7em-none-eabihf", "--clock", "0.1 GHz"], 1e8);
    let (_, json) = allocate(&["ds_cnn", "--target", "thumbv7em-none-eabihf"]);
    assert!(json["milliseconds_estimate"].is_null() && json["cycles_estimate"].is_u64());
    assert!(refused(&["ds_cnn", "--clock", "fast"]).contains("has no unit"));
}

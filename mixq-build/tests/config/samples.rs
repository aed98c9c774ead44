//! Keys of datasets of samples.

use mixq_build::engine::config::{DatasetConfig, Group, InputConfig, RecordingConfig, Short};
use mixq_format::Bits;

use crate::manifest::{DEVICE, PACKAGE, check_dataset, load};

fn read(keys: &str) -> DatasetConfig {
    let model = format!(
        "[package.metadata.mixq.models.m]\nnetwork = \"n.toml\"\ndataset = {{ path = \"d\", {keys} }}\n"
    );
    load(&format!("{PACKAGE}{DEVICE}{model}")).unwrap().models[0].dataset.clone()
}

#[test]
fn samples_and_recordings() {
    assert_eq!(read("input = \"samples\"").input, Some(InputConfig::default()));
    let found = read(
        "input = { min = -4, max = [4, 2.5], unit = 0.5 }, window = 119, step = 60, short = \"pad\", \
         columns = [\"a\", \"b\"], group = \"who\"",
    );
    let input = InputConfig {
        min: Some(vec![-4.0]),
        max: Some(vec![4.0, 2.5]),
        unit: Some(vec![0.5]),
        per_tensor: false,
        bits: None,
    };
    let recordings = RecordingConfig {
        window: Some(119),
        step: Some(60),
        columns: Some(vec!["a".to_string(), "b".to_string()]),
        group: Group::Column("who".to_string()),
        short: Short::Pad,
        files: None,
    };
    assert_eq!((found.input, found.recordings), (Some(input), recordings));
    let bits = |bits: u8| read(&format!("input = {{ bits = {bits} }}")).input_bits("image");
    assert_eq!([8, 4, 2].map(bits), [Some(Bits::B8), Some(Bits::B4), Some(Bits::B2)]);
    assert_eq!(read("input = \"samples\"").input_bits("image"), None);
    let found = read("input = { scale = \"per-tensor\" }, files = \"{group}_{class}.csv\", group = false");
    assert!(found.input.is_some_and(|input| input.per_tensor));
    assert_eq!(found.recordings.files.as_deref(), Some("{group}_{class}.csv"));
    assert_eq!(found.recordings.group, Group::Window);
}

#[test]
fn wrong_values_have_their_places() {
    for (keys, wrong) in [
        ("input = ^\"pixels\"", "`input` has the unknown value `pixels`; known are `samples`"),
        ("input = ^{ min = 3, max = [4, 3] }", "`input` has min 3, which is not below max 3"),
        ("input = { bits = ^3 }", "`bits` is 3, it must be 8, 4 or 2"),
        ("window = ^0", "`window` is 0, it must be 1 or more"),
        ("step = ^4", "`step` needs a `window`; window = 119 gives a window 119 rows"),
        (
            "files = ^\"{class}{group}.csv\"",
            "`files` has two parts without a sign between them; as in \"{group}_{class}.csv\"; `*` stands \
             for anything that does not count",
        ),
        (
            "input = ^{ min = [1, 2], scale = \"per-tensor\" }",
            "`input` has numbers for each channel, but `scale` is \"per-tensor\"",
        ),
    ] {
        check_dataset(&format!("{{ path = \"d\", {keys} }}"), &[wrong]);
    }
}

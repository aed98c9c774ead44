//! Samples of sensors in NPZ files, and their codes.

use mixq_build::engine::config::{DatasetConfig, InputConfig};
use mixq_build::engine::dataset::{Dataset, Reader, measure};
use mixq_build::engine::graph::Shape;
use mixq_format::SampleChannel;

use crate::given::Given;
use crate::npz::{npy, npz};

/// Five points in time of two channels.
pub const SERIES: Shape = Shape { height: 1, width: 5, channels: 2 };

/// 32 images of which the first channel goes from -2,000 to 2,000, the second from 0 to 1.
fn two_scales() -> Vec<f32> {
    let value = |at: usize| {
        let part = ((at / 2 * 37) % 40) as f32 / 39.0;
        if at.is_multiple_of(2) { 4000.0 * part - 2000.0 } else { part }
    };
    (0..32 * SERIES.elements()).map(value).collect()
}

fn labels(count: usize) -> Vec<u8> {
    let labels: Vec<u8> = (0..count).flat_map(|at| ((at % 2) as i64).to_le_bytes()).collect();
    npy("<i8", &format!("({count},)"), &labels)
}

fn floats(values: &[f32], shape: &str) -> Vec<u8> {
    npy("<f4", shape, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

fn load(given: &Given, input: Option<InputConfig>) -> Result<Dataset, String> {
    let config = DatasetConfig { input, ..DatasetConfig::new(&given.path) };
    let loaded = Dataset::load(&config, SERIES, 2, &mut ());
    loaded.map_err(|error| error.to_string().replace(&given.path.display().to_string(), "ROOT"))
}

/// How far the value that a code stands for is from the value, in steps of the code.
fn off(code: u8, value: f32, channel: &SampleChannel) -> f64 {
    let stands_for = channel.scale() * f64::from(i32::from(code) - channel.codes.zero_point);
    (stands_for - f64::from(value)).abs() / channel.scale()
}

#[test]
fn channels_of_floats_have_scales_of_their_own() {
    let values = two_scales();
    for shape in ["(32, 5, 2)", "(32, 1, 5, 2)"] {
        let given = npz(&[("x", &floats(&values, shape)), ("y", &labels(32))]);
        let dataset = load(&given, None).unwrap();
        let [wide, narrow] = &dataset.samples[0][..] else { panic!("two channels") };
        assert!((wide.scale() / (4000.0 / 255.0) - 1.0).abs() < 0.01, "{wide:?}");
        assert!((narrow.scale() / (1.0 / 255.0) - 1.0).abs() < 0.01, "{narrow:?}");
        // The last image of each class is in the test part.
        let all = dataset.train.pixels.iter().zip(&values).zip(dataset.samples[0].iter().cycle());
        for ((code, value), channel) in all.take(20 * 10) {
            assert!(off(*code, *value, channel) <= 0.51, "{code} {value} {channel:?}");
        }
    }
}

#[test]
fn one_scale_for_all_and_given_ranges() {
    let given = npz(&[("x", &floats(&two_scales(), "(32, 5, 2)")), ("y", &labels(32))]);
    let input = InputConfig { per_tensor: true, ..InputConfig::default() };
    let found = load(&given, Some(input)).unwrap().samples.remove(0);
    assert_eq!(found.len(), 1);
    assert!((found[0].scale() / (4000.0 / 255.0) - 1.0).abs() < 0.01, "{found:?}");
    let input = InputConfig {
        min: Some(vec![-1000.0, 0.0]),
        max: Some(vec![1000.0, 2.0]),
        unit: Some(vec![0.125, 0.0005]),
        per_tensor: false,
        bits: None,
    };
    let dataset = load(&given, Some(input)).unwrap();
    let [wide, narrow] = &dataset.samples[0][..] else { panic!("two channels") };
    assert_eq!((wide.unit, narrow.unit), (0.125, 0.0005));
    assert!((wide.scale() / (2000.0 / 255.0) - 1.0).abs() < 1e-4, "{wide:?}");
    assert!((narrow.scale() / (2.0 / 255.0) - 1.0).abs() < 1e-4, "{narrow:?}");
    assert_eq!((wide.code(-1000.0), wide.code(1000.0), wide.code(-1800.0)), (0, 255, 0));
}

#[test]
fn whole_numbers_that_fit_a_byte_lose_nothing() {
    let signed: Vec<u8> = (0..320).map(|at| (at as u8).wrapping_mul(77)).collect();
    let given = npz(&[("x", &npy("|i1", "(32, 5, 2)", &signed)), ("y", &labels(32))]);
    let dataset = load(&given, None).unwrap();
    for (code, byte) in dataset.train.pixels.iter().zip(&signed).take(200) {
        assert_eq!(i32::from(*code) - 128, i32::from(*byte as i8));
    }
    // Wider ones that fit, of any byte order.
    let wide: Vec<u8> = (0..320).flat_map(|at| (1000 + at % 250i64).to_be_bytes()).collect();
    let given = npz(&[("x", &npy(">i8", "(32, 5, 2)", &wide)), ("y", &labels(32))]);
    let dataset = load(&given, None).unwrap();
    for (at, code) in dataset.train.pixels.iter().enumerate().take(200) {
        // Each channel begins at its least.
        assert_eq!(usize::from(*code), at % 250 - at % 2);
    }
    // Bytes are pixels, with any number of channels.
    let given = npz(&[("x", &npy("|u1", "(32, 5, 2)", &signed)), ("y", &labels(32))]);
    let dataset = load(&given, None).unwrap();
    assert!(dataset.samples[0].is_empty());
    assert_eq!(dataset.train.pixels[..200], signed[..200]);
}

/// A switch beside an axis of 16 bits: both have codes of about one size, and none of it is noise.
#[test]
fn a_switch_has_codes_as_far_apart_as_those_of_other_channels() {
    let two: Vec<u8> = (0..320i16)
        .flat_map(|at| if at % 2 == 0 { 10 * at - 1600 } else { at / 2 % 2 }.to_le_bytes())
        .collect();
    let given = npz(&[("x", &npy("<i2", "(32, 5, 2)", &two)), ("y", &labels(32))]);
    let dataset = load(&given, None).unwrap();
    let switch: Vec<u8> = dataset.train.pixels.iter().skip(1).step_by(2).copied().take(4).collect();
    assert_eq!(switch, [0, 127, 0, 127]);
    let [_, channel] = &dataset.samples[0][..] else { panic!("two channels") };
    assert_eq!((channel.unit, channel.scale()), (1.0, 1.0 / 127.0));
}

#[test]
fn test_values_do_not_choose_the_range() {
    let values: Vec<f32> = two_scales();
    let larger: Vec<f32> = values.iter().map(|value| 8.0 * value).collect();
    let arrays = |test: &[f32]| {
        npz(&[
            ("x_train", &floats(&values, "(32, 5, 2)")),
            ("y_train", &labels(32)),
            ("x_test", &floats(test, "(32, 5, 2)")),
            ("y_test", &labels(32)),
        ])
    };
    let [one, other] = [arrays(&values), arrays(&larger)].map(|given| load(&given, None).unwrap());
    assert_eq!(one.samples, other.samples);
    assert_eq!(one.train, other.train);
    assert!(other.test.pixels.contains(&0) && other.test.pixels.contains(&255));
}

#[test]
fn what_cannot_be_samples_is_named() {
    let mut values = two_scales();
    values[10 * 7 + 3] = f32::NAN;
    values[10 * 9] = f32::INFINITY;
    let given = npz(&[("x", &floats(&values, "(32, 5, 2)")), ("y", &labels(32))]);
    assert_eq!(
        load(&given, None).unwrap_err(),
        "ROOT: x has NaN at row 7, element 3 (channel 1), all counted from 0; 1 more values are not finite; \
         a sample is a finite number: remove the row"
    );
    let given = npz(&[("x", &floats(&two_scales(), "(16, 10, 2)")), ("y", &labels(16))]);
    assert_eq!(
        load(&given, None).unwrap_err(),
        "ROOT: x is `<f4` of shape [16, 10, 2], but the network wants images of 1x5x2; its shape must be [n, \
         1, 5, 2]; sizes of 1 may lack"
    );
    let wide: Vec<u8> = (0..320).flat_map(|at| (at * 1000i32).to_le_bytes()).collect();
    let given = npz(&[("x", &npy("<i4", "(32, 5, 2)", &wide)), ("y", &labels(32))]);
    let said = load(&given, None).unwrap_err();
    assert!(
        said.contains("channel 0, counted from 0: values from 0 to ")
            && said.contains("do not fit the 16 bits"),
        "{said}"
    );
    assert!(said.contains("input = { unit = 8 }"), "{said}");
    let input = InputConfig { unit: Some(vec![8.0]), ..InputConfig::default() };
    assert_eq!(load(&given, Some(input)).unwrap().samples[0][0].unit, 8.0);
    let input = InputConfig { min: Some(vec![0.0; 3]), ..InputConfig::default() };
    assert_eq!(
        load(&given, Some(input)).unwrap_err(),
        "`min` of `input` has 3 numbers, but the network's input has 2 channels; give one number for all \
         channels, or one for each"
    );
    let complex = npy("<c8", "(32, 5, 2)", &[0; 320 * 8]);
    let given = npz(&[("x", &complex), ("y", &labels(32))]);
    let said = load(&given, None).unwrap_err();
    assert!(said.contains("samples are whole numbers or floats; save it as int16 or float32"), "{said}");
}

#[test]
fn a_trained_network_is_measured_with_the_codes_of_its_training() {
    let values = two_scales();
    let trained = load(&npz(&[("x", &floats(&values, "(32, 5, 2)")), ("y", &labels(32))]), None).unwrap();
    let smaller: Vec<f32> = values.iter().map(|value| value / 4.0).collect();
    let other = npz(&[("x", &floats(&smaller, "(32, 5, 2)")), ("y", &labels(32))]);
    let measured = |given: &Given, samples: &[SampleChannel]| {
        let labels = ["0", "1"].map(String::from);
        let network =
            Reader { inputs: &SERIES.into(), output: 2.into(), labels: &labels, samples: &[samples] };
        measure(&DatasetConfig::new(&given.path), network, &mut ())
            .map(|found| found.images)
            .map_err(|error| error.to_string().replace(&given.path.display().to_string(), "ROOT"))
    };
    let images = measured(&other, &trained.samples[0]).unwrap();
    for ((code, value), channel) in images.pixels.iter().zip(&smaller).zip(trained.samples[0].iter().cycle())
    {
        assert!(off(*code, *value, channel) <= 0.51, "{code} {value}");
    }
    assert_eq!(
        measured(&other, &[]).unwrap_err(),
        "ROOT has samples, but the network was trained with pixels; measure it with pixels: bytes from 0 \
         to 255"
    );
    // Bytes are samples, too.
    let bytes = npz(&[("x", &npy("|u1", "(32, 5, 2)", &[9; 320])), ("y", &labels(32))]);
    assert_eq!(measured(&bytes, &trained.samples[0]).unwrap().image(0)[0], trained.samples[0][0].code(9.0));
}

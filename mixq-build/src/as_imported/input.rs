//! Whether the codes that firmware passes are the integers that a file reads.

use mixq_format::SampleChannel;

use crate::error::Problem;
use crate::import::InputNormalisation;
use crate::import::foreign::Foreign;

/// How far a code may be from the integer that it stands for, before rounding.
const OFF: f64 = 0.501;

/// Checks that codes of the input are the integers of the file. `samples` says what codes stand for where
/// they are no pixels, `given` how pixels become what the network reads.
///
/// # Errors
/// They are others: which, and what would help.
pub fn check_codes(
    foreign: &Foreign,
    samples: &[SampleChannel],
    given: Option<&InputNormalisation>,
) -> Result<(), Problem> {
    let Some(integers) = foreign.lowered.integers.input else { return Ok(()) };
    let (least, zero_point) = (integers.least as f64, integers.zero_point() as f64);
    let whole = foreign.reads_integers();
    if whole && given.is_some() {
        let message = "the file reads integers, and `input` says how pixels become numbers";
        let help = format!("leave `input` out: a pixel is an integer of the file, from {least} on");
        return Err(Problem::new(message).help(help));
    }
    let channels = foreign.graph.input().channels;
    for channel in 0..channels {
        let scaling = foreign.lowered.scalings[0].get(channel);
        for code in 0..=(integers.most - integers.least) {
            let code = code as f64;
            let sample = samples.get(if samples.len() == 1 { 0 } else { channel });
            let value = match (sample, given) {
                (Some(sample), _) => (code - f64::from(sample.codes.zero_point)) * sample.scale(),
                (None, _) if whole => code + least,
                (None, Some(given)) => (code - given.mean[channel]) / given.std[channel],
                (None, None) => code,
            };
            let number = scaling.map_or(value, |own| value * own.factor + own.summand);
            let found = number / integers.scale + zero_point;
            if (found - code).abs() > OFF {
                return Err(other_code(foreign, code, value, found, sample.is_some()));
            }
        }
    }
    Ok(())
}

fn other_code(foreign: &Foreign, code: f64, value: f64, found: f64, is_sample: bool) -> Problem {
    let Some(integers) = foreign.lowered.integers.input else { return Problem::new("no integers") };
    let message = format!(
        "code {code} of the input stands for {value:.6}, which is code {found:.2} of the file's input (scale \
         {}, zero point {})",
        integers.scale, integers.zero
    );
    let [min, max] = if foreign.reads_integers() {
        [integers.least as f64, integers.most as f64]
    } else {
        integers.range()
    };
    let help = if is_sample {
        format!("write input = {{ min = {min}, max = {max} }} in the dataset's table")
    } else {
        let (mean, std) = (integers.zero_point() as f64, 1.0 / integers.scale);
        format!(
            "write input = {{ mean = {mean}, std = {std} }} beside `network` if pixels were normalised so; \
             else leave `bits` out"
        )
    };
    Problem::new(message).help(help)
}

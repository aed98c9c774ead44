//! WAV files: a row for each point in time, a column for each audio channel.

use hound::{SampleFormat, WavReader};

/// What a file holds.
pub struct Sound {
    /// Row after row. Whole numbers of more than 16 bits count in steps of 16-bit samples, floats stay.
    pub values: Vec<f32>,
    /// Audio channels.
    pub channels: usize,
    /// Samples a second.
    pub rate: u32,
}

/// Reads a file, or says what is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Sound, String> {
    let failed = |error: hound::Error| match error {
        hound::Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "is truncated: its samples end early".to_string()
        }
        hound::Error::Unsupported => "is a kind of WAV that mixq does not read: PCM and floats".to_string(),
        error => format!("is not a WAV file: {error}"),
    };
    let mut reader = WavReader::new(bytes).map_err(failed)?;
    let form = reader.spec();
    let values: Vec<f32> = match form.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>().map_err(failed)?,
        SampleFormat::Int => {
            let scale = f32::from(2u8).powi(-i32::from(form.bits_per_sample.saturating_sub(16)));
            let samples = reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 * scale));
            samples.collect::<Result<_, _>>().map_err(failed)?
        }
    };
    let channels = usize::from(form.channels).max(1);
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (row, column) = (at / channels, at % channels);
        return Err(format!("has {} at row {row}, channel {column}, both counted from 0", values[at]));
    }
    Ok(Sound { values, channels, rate: form.sample_rate })
}

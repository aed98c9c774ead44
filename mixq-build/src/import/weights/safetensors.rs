//! The safetensors format, by the crate of its authors.

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Tensor, Tensors};

/// The tensors of floats in a file with this content, or what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Tensors, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        format!("is not a safetensors file, or is damaged: {error}").replace(['\n', '\r'], " ")
    })?;
    let tensors = file.iter().filter_map(|(name, view)| {
        let values = values(&view)?;
        Some((name.to_string(), Tensor { shape: view.shape().to_vec(), values }))
    });
    Ok(tensors.collect())
}

/// A file with these tensors.
pub(super) fn write(tensors: &Tensors) -> Result<Vec<u8>, String> {
    let bytes = |tensor: &Tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let bytes: Vec<Vec<u8>> = tensors.values().map(bytes).collect();
    let mut views = Vec::new();
    for ((name, tensor), bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        views.push((name, view.map_err(|error| error.to_string())?));
    }
    safetensors::serialize(views, None).map_err(|error| error.to_string())
}

/// The values as 32-bit floats; `None` if they are not floats of 16, 32 or 64 bits.
fn values(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    Some(match view.dtype() {
        Dtype::F16 => bytes.as_chunks().0.iter().map(|value| f16::from_le_bytes(*value).to_f32()).collect(),
        Dtype::BF16 => bytes.as_chunks().0.iter().map(|value| bf16::from_le_bytes(*value).to_f32()).collect(),
        Dtype::F32 => bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value) as f32).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file by hand: the length of a JSON header, the header, the values.
    fn file(header: &str, values: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), values].concat()
    }

    #[test]
    fn floats_of_every_size_become_floats_of_32_bits() {
        let header = r#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},
            "b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},
            "c":{"dtype":"F32","shape":[1,1],"data_offsets":[6,10]},
            "d":{"dtype":"F64","shape":[],"data_offsets":[10,18]},
            "counter":{"dtype":"I64","shape":[],"data_offsets":[18,26]}}"#;
        // By hand, from IEEE 754: 1.5 and -2 in 16 bits, -3 as the upper half of its 32 bits.
        let mut values = vec![0x00, 0x3e, 0x00, 0xc0, 0x40, 0xc0];
        values.extend(0.25f32.to_le_bytes());
        values.extend((-7.5f64).to_le_bytes());
        values.extend(5i64.to_le_bytes());
        let tensors = parse(&file(header, &values)).unwrap();
        let found: Vec<(&str, &[usize], &[f32])> = (tensors.iter())
            .map(|(name, tensor)| (&name[..], &tensor.shape[..], &tensor.values[..]))
            .collect();
        let expected: [(&str, &[usize], &[f32]); 4] =
            [("a", &[2], &[1.5, -2.0]), ("b", &[1], &[-3.0]), ("c", &[1, 1], &[0.25]), ("d", &[], &[-7.5])];
        assert_eq!(found, expected);
    }

    #[test]
    fn tensors_are_the_same_when_they_are_written_and_read() {
        let tensor = |shape: &[usize], values: &[f32]| Tensor { shape: shape.into(), values: values.into() };
        let tensors = [("a.weight", tensor(&[2, 1], &[1.5, -0.1])), ("b", tensor(&[0], &[]))];
        let tensors = tensors.map(|(name, tensor)| (name.to_string(), tensor)).into();
        assert_eq!(parse(&write(&tensors).unwrap()).unwrap(), tensors);
    }

    #[test]
    fn what_is_not_such_a_file_is_refused() {
        let good = file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 8]);
        assert!(parse(&good).is_ok());
        let wrong_size = file(r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, &[0; 8]);
        let huge = file(r#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,8]}}"#, &[0; 8]);
        for bad in [&good[..good.len() - 1], &good[..9], &[], &u64::MAX.to_le_bytes(), &wrong_size, &huge] {
            let wrong = parse(bad).unwrap_err();
            assert!(wrong.starts_with("is not a safetensors file, or is damaged: "), "{wrong}");
        }
    }
}

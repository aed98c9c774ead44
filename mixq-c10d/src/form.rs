//! Tensors as bytes, and back.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};

/// Dimensions that a tensor may have.
pub(crate) const DIMENSIONS: usize = 8;

/// Kinds of elements and their bytes; the place in this list is what others are told.
pub(crate) const KINDS: [(Kind, usize); 10] = [
    (Kind::Uint8, 1),
    (Kind::Int8, 1),
    (Kind::Int16, 2),
    (Kind::Int, 4),
    (Kind::Int64, 8),
    (Kind::Half, 2),
    (Kind::BFloat16, 2),
    (Kind::Float, 4),
    (Kind::Double, 8),
    (Kind::Bool, 1),
];

/// Shape and kind of a tensor whose bytes follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) kind: Kind,
    pub(crate) shape: Vec<i64>,
}

impl Form {
    pub(crate) fn of(tensor: &Tensor) -> Result<Form> {
        if !tensor.defined() || tensor.is_sparse() || tensor.is_mkldnn() {
            return Err(Error::new("only dense tensors can be exchanged"));
        }
        let form = Form { kind: tensor.kind(), shape: tensor.size() };
        if form.bytes().is_none() {
            let Form { kind, shape } = form;
            return Err(Error::new(format!(
                "a tensor of kind {kind:?} and shape {shape:?} cannot be exchanged"
            )));
        }
        Ok(form)
    }

    /// `None` if this is no tensor that can be exchanged.
    pub(crate) fn bytes(&self) -> Option<usize> {
        let (_, width) = KINDS.iter().find(|(kind, _)| *kind == self.kind)?;
        if self.shape.len() > DIMENSIONS {
            return None;
        }
        let mut lengths = self.shape.iter().map(|length| usize::try_from(*length).ok());
        let bytes = lengths.try_fold(*width, |bytes, length| bytes.checked_mul(length?))?;
        // What a pointer can reach.
        isize::try_from(bytes).is_ok().then_some(bytes)
    }

    /// The tensor of these bytes, on their device. More of them may follow.
    pub(crate) fn tensor(&self, bytes: &Tensor) -> Result<Tensor> {
        let count = self.bytes().and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(i64::MAX);
        // Memory of its own: `bytes` may be all that was gathered.
        let own = Tensor::f_empty(&self.shape[..], (self.kind, bytes.device())).map_err(libtorch)?;
        if count > 0 {
            let part = bytes.f_narrow(0, 0, count).map_err(libtorch)?;
            let mut flat =
                own.f_view([-1]).and_then(|flat| flat.f_view_dtype(Kind::Uint8)).map_err(libtorch)?;
            flat.f_copy_(&part).map_err(libtorch)?;
        }
        Ok(own)
    }
}

/// An error of libtorch; its first line says what it is, a call stack follows.
pub(crate) fn libtorch(error: tch::TchError) -> Error {
    let text = error.to_string();
    Error::new(format!("libtorch: {}", text.lines().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn tensors_that_cannot_be_exchanged_are_refused() {
        assert!(Form::of(&Tensor::new()).is_err());
        let complex = Tensor::zeros([2], (Kind::ComplexFloat, Device::Cpu));
        assert!(Form::of(&complex).is_err());
        assert!(Form::of(&Tensor::zeros([1; 9], (Kind::Float, Device::Cpu))).is_err());
        let sparse = Tensor::zeros([2, 2], (Kind::Float, Device::Cpu)).to_sparse_sparse_dim(2);
        assert!(Form::of(&sparse).is_err());
        assert_eq!((Form { kind: Kind::Float, shape: vec![i64::MAX, 2] }).bytes(), None);
    }

    #[test]
    fn bytes_become_the_tensor_that_they_were() {
        let tensor = Tensor::from_slice(&[1.5f32, -2.0, 3.25, 0.0, 5.0, 6.0]).view([2, 3]);
        let bytes = tensor.flatten(0, -1).view_dtype(Kind::Uint8);
        let longer = Tensor::cat(&[&bytes, &bytes], 0);
        let found = Form::of(&tensor).unwrap().tensor(&longer).unwrap();
        assert_eq!(found, tensor);
        assert_eq!(found.size(), [2, 3]);
        // Too few of them.
        assert!(Form::of(&tensor).unwrap().tensor(&bytes.narrow(0, 0, 23)).is_err());
    }
}

//! What ranks tell each other before they exchange bytes: which call this is, and of which tensor.
//!
//! gloo ends the whole process if two ranks expect different lengths. So each call begins with a message that
//! always has the same length. It also allows tensors of different shapes.

use crate::error::{Error, Result};
use crate::form::{DIMENSIONS, Form, KINDS};

/// Numbers of a message.
const NUMBERS: usize = 5 + DIMENSIONS;

/// The number that is 1 where the tensor is on a GPU that is connected with those of the others.
const ON_GPU: usize = NUMBERS - 1;

/// Bytes of a message.
pub(crate) const BYTES: usize = NUMBERS * 8;

/// What ranks do together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Barrier,
    AllGather,
    Broadcast { root: usize },
}

impl What {
    fn code(self) -> (i64, i64) {
        match self {
            What::Barrier => (1, 0),
            What::AllGather => (2, 0),
            What::Broadcast { root } => (3, i64::try_from(root).unwrap_or(-1)),
        }
    }

    fn of(code: (i64, i64)) -> Option<What> {
        let root = usize::try_from(code.1).ok()?;
        [What::Barrier, What::AllGather, What::Broadcast { root }]
            .into_iter()
            .find(|what| what.code() == code)
    }

    fn shown(self) -> String {
        match self {
            What::Barrier => "barrier".into(),
            What::AllGather => "all_gather".into(),
            What::Broadcast { root } => format!("broadcast from rank {root}"),
        }
    }
}

/// One rank's part of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) what: What,
    /// The tensor that this rank gives, if it gives one.
    pub(crate) form: Option<Form>,
    /// Whether it is on a GPU that is connected with those of the others.
    pub(crate) on_gpu: bool,
}

impl Call {
    pub(crate) fn encode(&self) -> [u8; BYTES] {
        let mut numbers = [0; NUMBERS];
        (numbers[0], numbers[1]) = self.what.code();
        numbers[2] = -1;
        numbers[ON_GPU] = self.on_gpu.into();
        if let Some(form) = &self.form {
            let kind = KINDS.iter().position(|(kind, _)| *kind == form.kind);
            numbers[2] = kind.and_then(|kind| i64::try_from(kind).ok()).unwrap_or(-1);
            numbers[3] = i64::try_from(form.shape.len()).unwrap_or(-1);
            for (number, length) in numbers[4..ON_GPU].iter_mut().zip(&form.shape) {
                *number = *length;
            }
        }
        let mut bytes = [0; BYTES];
        for (bytes, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// `None` if these bytes are no part of a call.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Call> {
        let mut numbers = [0; NUMBERS];
        for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = i64::from_le_bytes(bytes.try_into().ok()?);
        }
        let what = What::of((numbers[0], numbers[1]))?;
        let on_gpu = match numbers[ON_GPU] {
            0 => false,
            1 => true,
            _ => return None,
        };
        if numbers[2] == -1 {
            return Some(Call { what, form: None, on_gpu });
        }
        let (kind, _) = KINDS.get(usize::try_from(numbers[2]).ok()?)?;
        let shape = numbers[4..ON_GPU].get(..usize::try_from(numbers[3]).ok()?)?.to_vec();
        let form = Form { kind: *kind, shape };
        form.bytes()?;
        Some(Call { what, form: Some(form), on_gpu })
    }

    /// Whether all ranks do the same.
    ///
    /// # Errors
    /// The first rank that does something else.
    pub(crate) fn compare(calls: &[Call]) -> Result<()> {
        let what = |call: &Call| (call.what, call.form.is_some() && call.what == What::AllGather);
        let Some(first) = calls.first() else { return Ok(()) };
        let Some(rank) = calls.iter().position(|call| what(call) != what(first)) else { return Ok(()) };
        let (one, other) = (first.what.shown(), calls[rank].what.shown());
        let message = format!("rank 0 calls {one}, but rank {rank} calls {other}: they do not do the same");
        Err(Error::new(message)
            .with_help("this is a fault of the program: all ranks must make the same calls"))
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    fn form(kind: Kind, shape: &[i64]) -> Form {
        Form { kind, shape: shape.to_vec() }
    }

    #[test]
    fn calls_survive_the_way() {
        let forms = [
            None,
            Some(form(Kind::Float, &[])),
            Some(form(Kind::Bool, &[2, 0, 3])),
            Some(form(Kind::Half, &[1; 8])),
        ];
        for form in forms {
            for what in [What::Barrier, What::AllGather, What::Broadcast { root: 3 }] {
                for on_gpu in [false, true] {
                    let call = Call { what, form: form.clone(), on_gpu };
                    assert_eq!(Call::decode(&call.encode()), Some(call));
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_no_call_are_refused() {
        let call = Call { what: What::AllGather, form: Some(form(Kind::Double, &[2, 3])), on_gpu: true };
        // The call, its root, the kind, the number of dimensions, the GPU, lengths: none may have these.
        let lengths = [(4, -1), (5, i64::MAX)];
        let others = [(0, 0), (0, 9), (1, 1), (1, -1), (2, 10), (2, -2), (3, -1), (3, 9), (ON_GPU, 2)];
        for (at, value) in others.into_iter().chain(lengths) {
            let mut bytes = call.encode();
            bytes[at * 8..][..8].copy_from_slice(&i64::to_le_bytes(value));
            assert_eq!(Call::decode(&bytes), None, "{at} {value}");
        }
    }

    #[test]
    fn ranks_that_do_not_do_the_same_are_named() {
        let call = |what| Call { what, form: None, on_gpu: false };
        let calls = [What::AllGather, What::AllGather, What::Broadcast { root: 1 }].map(call);
        let error = Call::compare(&calls).unwrap_err();
        let expected =
            "rank 0 calls all_gather, but rank 2 calls broadcast from rank 1: they do not do the same";
        assert_eq!(error.message(), expected);
        assert_eq!(Call::compare(&calls[..2]), Ok(()));
        assert!(
            Call::compare(&[What::Broadcast { root: 0 }, What::Broadcast { root: 1 }].map(call)).is_err()
        );
    }
}

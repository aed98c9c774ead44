//! Averages and other means as the device computes them, and padding.

use tch::{Kind, Tensor};

use super::quantise::straight_through;
use crate::graph::Window;

/// Averages over windows, rounded as [`rounded`] says.
pub fn average(x: &Tensor, window: &Window, form: (Option<&Tensor>, bool)) -> Tensor {
    rounded(x, |x| average_pool(x, window), form)
}

/// What `mean` makes of an input. Means of codes are rounded on the codes, whose sums are exact: halves are
/// frequent, and round as on the device. `scale` is that of the input's grid, where it is quantised; `codes`
/// says whether the input are codes, or else their values.
pub fn rounded(
    x: &Tensor,
    mean: impl Fn(&Tensor) -> Tensor,
    (scale, codes): (Option<&Tensor>, bool),
) -> Tensor {
    let mut means = mean(x);
    match scale {
        Some(_) if codes => tch::no_grad(|| {
            let _ = means.g_add_scalar_(0.5).floor_();
        }),
        Some(scale) => {
            let codes = mean(&(x / scale).round());
            means = straight_through(&means, &((codes + 0.5).floor() * scale));
        }
        None => {}
    }
    means
}

/// Averages over the pixels that are there; padding does not count.
fn average_pool(x: &Tensor, window: &Window) -> Tensor {
    let pool = |x: &Tensor| {
        padded(x, window, 0.0).avg_pool2d(ints(window.kernel), ints(window.stride), 0, false, true, 1)
    };
    let size = x.size();
    let counts = pool(&Tensor::ones([1, 1, size[2], size[3]], (Kind::Float, x.device())));
    pool(x) / counts
}

/// As libtorch wants them.
pub fn ints(sizes: [usize; 2]) -> [i64; 2] {
    sizes.map(|size| size as i64)
}

/// An input with padding of this value around it.
pub fn padded(x: &Tensor, window: &Window, value: f64) -> Tensor {
    let [top, bottom, left, right] = window.padding.map(|size| size as i64);
    if [top, bottom, left, right] == [0; 4] {
        return x.shallow_clone();
    }
    x.f_pad([left, right, top, bottom], "constant", value).expect("padding is not negative")
}

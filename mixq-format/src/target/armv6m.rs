//! ARMv6-M (Cortex-M0, M0+): the portable kernels. One of their inner loops is in assembly in mixq-rt.

use super::Target;
#[cfg(feature = "file")]
use super::portable;

pub(super) const TARGET: Target = Target {
    name: "armv6m",
    has: |rust_target| rust_target.starts_with("thumbv6m-"),
    #[cfg(feature = "file")]
    lay_out: portable::lay_out,
    #[cfg(feature = "file")]
    tally: portable::cost::tally,
    #[cfg(feature = "file")]
    tallies: portable::cost::tallies,
    #[cfg(feature = "file")]
    scratch_steps: |_, _| Vec::new(),
};

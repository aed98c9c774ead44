//! What build.rs wrote.

#[allow(unused_imports, reason = "only networks that resize images name it")]
use mixq_rt::format::Between::*;
use mixq_rt::format::Bits::*;
#[allow(unused_imports, reason = "only networks with constants name it")]
use mixq_rt::format::Operation::*;
#[allow(unused_imports, reason = "only networks that move elements name it")]
use mixq_rt::format::Rest::*;
use mixq_rt::format::Rule::*;
use mixq_rt::format::*;

/// Executes a layer, over parameters and arena.
pub type Execute = fn(&[u8], &mut [u8]);

/// A network, with data.
pub struct Network {
    /// One function a layer, but for those of a stage: all of it is the function of its first layer.
    pub layers: &'static [Option<Execute>],
    pub parameters: &'static [u8],
    pub input: &'static [u8],
    /// Bytes from the start of the arena.
    pub input_offset: usize,
    pub expected: &'static [u8],
    pub output_offset: usize,
    pub arena_bytes: usize,
    /// Whether windows of a signal overlap: executed again, it goes on to the next one.
    pub slides: bool,
}

#[repr(align(4))]
struct Aligned<T: ?Sized>(T);

macro_rules! file {
    ($name:ident, $kind:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", stringify!($name), $kind))
    };
}

macro_rules! parameters {
    ($block:ident) => {
        static $block: &Aligned<[u8]> = &Aligned(*file!($block, ".parameters"));
    };
}

macro_rules! network {
    (
        $name:ident $block:ident $input:literal $output:literal $arena:literal $slides:literal
        [$($layer:expr,)*] $($functions:item)*
    ) => {
        #[allow(unused_variables)]
        pub mod $name {
            use super::*;

            pub static NETWORK: Network = Network {
                layers: &[$($layer),*],
                parameters: &$block.0,
                input: file!($name, ".input"),
                input_offset: $input,
                expected: file!($name, ".expected"),
                output_offset: $output,
                arena_bytes: $arena,
                slides: $slides,
            };

            $($functions)*
        }
    };
}

mod written {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/networks.rs"));
}
pub use written::ALL;

/// The memory of the activations; to be asked for once.
pub fn arena() -> &'static mut [u8] {
    static mut ARENA: Aligned<[u8; written::ARENA]> = Aligned([0; written::ARENA]);
    // SAFETY: called once, by the only thread.
    unsafe {
        let arena = &raw mut ARENA;
        &mut (*arena).0
    }
}

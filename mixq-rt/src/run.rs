//! Executes a network that is known only at run time: for the host, and for tests. Firmware calls the kernels
//! by name instead, so that it holds only the kernels that its network needs.

use mixq_format::{Bits, Layer, Network, Operands, Stage, Table, Turns};

use crate::Frame;
use crate::target::portable;
use crate::target::requant;

/// Executes all layers of a network on an image: the bytes of all inputs as they lie in the arena, one input
/// after the other. The logits are written at the offset of `network.output`, as 32-bit integers in the byte
/// order of the machine.
///
/// # Panics
/// If `image` has not as many bytes as the inputs, and as [`run`], but for networks whose input comes in
/// rows.
pub fn infer(network: &Network, image: &[u8], arena: &mut [u8]) {
    if network.fed().is_some() {
        let mut frame = Frame::begin(network, arena);
        let verdict = frame.push_rows(image).and_then(|()| frame.finish());
        return verdict.unwrap_or_else(|error| panic!("{error}"));
    }
    let mut rest = image;
    for input in network.inputs() {
        let (bytes, others) = rest.split_at(input.bytes());
        arena[input.range()].copy_from_slice(bytes);
        rest = others;
    }
    assert!(rest.is_empty(), "an image has more bytes than the inputs");
    run(network, arena);
}

/// Executes all layers of a network. The image must lie in `arena` at the offset of `network.input`. The
/// logits are written at the offset of `network.output`, as 32-bit integers in the byte order of the machine.
///
/// # Panics
/// If the input comes in rows: see [`Frame`] and [`infer`]. If a layer does not fit the parameters or
/// `arena`. If [`Network::validate`] refuses the network, this may panic or give wrong logits.
pub fn run(network: &Network, arena: &mut [u8]) {
    assert!(network.fed().is_none(), "the input of this network comes in rows");
    run_from(network, 0, arena);
}

/// Executes all layers from `first` on, which no stage has inside.
pub(crate) fn run_from(network: &Network, first: usize, arena: &mut [u8]) {
    let mut next = first;
    while let Some(layer) = network.layers.get(next) {
        match network.stages.iter().find(|stage| stage.range().start == next) {
            Some(stage) => {
                run_stage(network, stage, arena);
                next = stage.range().end;
            }
            None => {
                run_layer(layer, network.parameters, arena);
                next += 1;
            }
        }
    }
}

/// Executes the layers of a stage, in stripes.
///
/// # Panics
/// If they cannot be a stage, and as [`run_layer`].
fn run_stage(network: &Network, stage: &Stage, arena: &mut [u8]) {
    let lines = stage.lines(network.layers).unwrap_or_else(|reason| panic!("{reason}"));
    let turns = Turns::new(&lines, stage, arena);
    while turns.next(arena) {
        run_turn(network, stage, &turns, arena);
    }
}

/// Executes the layers of a stage in this turn.
pub(crate) fn run_turn(network: &Network, stage: &Stage, turns: &Turns<'_>, arena: &mut [u8]) {
    for (index, layer) in network.layers[stage.range()].iter().enumerate() {
        if let Some(rows) = turns.rows(arena, index) {
            run_layer(&layer.on_rows(&rows), network.parameters, arena);
        }
    }
}

/// Calls `$kernel::<X, W>` for input of `$x` bits and weights (or an output) of `$w` bits, which are known at
/// run time.
macro_rules! dispatch {
    ($kernel:path, $x:expr, $w:expr, $arguments:tt) => {
        match $w {
            Bits::B2 => dispatch!(@input $kernel, $x, 2, $arguments),
            Bits::B4 => dispatch!(@input $kernel, $x, 4, $arguments),
            Bits::B8 => dispatch!(@input $kernel, $x, 8, $arguments),
            Bits::B32 => panic!("weights and elementwise outputs have 8, 4 or 2 bits"),
        }
    };
    (@input $kernel:path, $x:expr, $($w:literal)?, ($($argument:expr),*)) => {{
        use $kernel as kernel;
        match $x {
            Bits::B2 => kernel::<2 $(, $w)?>($($argument),*),
            Bits::B4 => kernel::<4 $(, $w)?>($($argument),*),
            Bits::B8 => kernel::<8 $(, $w)?>($($argument),*),
            Bits::B32 => panic!("a layer reads codes of 8, 4 or 2 bits"),
        }
    }};
}

/// Executes one layer.
///
/// # Panics
/// If its tensors do not fit the arena, if its weights and tables do not fit the parameters, or if it breaks
/// another rule of [`Network::validate`] about tables; the message says which. If `validate` refuses the
/// contents of the parameters, this may panic or give a wrong result.
pub fn run_layer(layer: &Layer, parameters: &[u8], arena: &mut [u8]) {
    match layer {
        Layer::Conv(l) => {
            let rule = requant::rule(&l.requant);
            dispatch!(portable::conv, l.input.bits, l.weight_bits, (operands(l, parameters, arena), rule))
        }
        Layer::Depthwise(l) => {
            let rule = requant::rule(&l.requant);
            dispatch!(
                portable::depthwise,
                l.input.bits,
                l.weight_bits,
                (operands(l, parameters, arena), rule)
            )
        }
        Layer::Linear(l) => {
            let rule = requant::rule(&l.requant);
            dispatch!(portable::linear, l.input.bits, l.weight_bits, (operands(l, parameters, arena), rule))
        }
        Layer::AveragePool(l) => {
            dispatch!(@input portable::average_pool, l.input.bits, , (operands(l, parameters, arena)))
        }
        Layer::MaxPool(l) => {
            dispatch!(@input portable::max_pool, l.input.bits, , (operands(l, parameters, arena)))
        }
        Layer::Add(l) => portable::add(operands(l, parameters, arena)),
        Layer::Multiply(l) => portable::multiply(operands(l, parameters, arena)),
        Layer::Elementwise(l) => {
            dispatch!(portable::elementwise, l.input.bits, l.output.bits, (operands(l, parameters, arena)))
        }
        Layer::Prelu(l) => portable::prelu(operands(l, parameters, arena)),
        Layer::Rearrange(l) => portable::rearrange(operands(l, parameters, arena)),
        Layer::Resize(l) => {
            dispatch!(@input portable::resize, l.input.bits, , (operands(l, parameters, arena)))
        }
        Layer::Constants(l) => portable::constants(operands(l, parameters, arena)),
        Layer::GroupedConv(l) => {
            let rule = requant::rule(&l.requant);
            dispatch!(
                portable::grouped_conv,
                l.input.bits,
                l.weight_bits,
                (operands(l, parameters, arena), rule)
            )
        }
    }
}

/// The checked operands of a layer.
///
/// # Panics
/// If the table does not fit the parameters or the arena, or breaks another rule.
fn operands<'a, T: Table>(table: &'a T, parameters: &'a [u8], arena: &'a mut [u8]) -> Operands<'a, T> {
    Operands::check(table, parameters, arena).unwrap_or_else(|reason| panic!("{reason}"))
}

//! One layer as Rust: its table in flash and the call that executes it.

use mixq_format::layout::{self, Plan};
use mixq_format::{
    Add, Artifact, Bits, Conv, Depthwise, Layer, Linear, NamedLayer, Pool, Requant, Rule, Tensor, Window,
};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// A layer of a network, in the order of execution.
pub struct Step<'a> {
    /// Counted from 0.
    pub index: usize,
    /// The layer.
    pub named: &'a NamedLayer,
}

impl Step<'_> {
    fn field(&self) -> Ident {
        format_ident!("l{}", self.index)
    }

    /// Its field in `struct Layers`.
    pub fn declaration(&self) -> TokenStream {
        let field = self.field();
        let doc = format!(" `{}`: {}", self.named.name, summary(&self.named.layer));
        let table = match self.named.layer {
            Layer::Conv(_) => quote!(Conv),
            Layer::Depthwise(_) => quote!(Depthwise),
            Layer::Linear(_) => quote!(Linear),
            Layer::AveragePool(_) | Layer::MaxPool(_) => quote!(Pool),
            Layer::Add(_) => quote!(Add),
        };
        quote!(#[doc = #doc] #field: format::#table)
    }

    /// Its value in `static LAYERS`.
    pub fn value(&self) -> TokenStream {
        let field = self.field();
        let table = match &self.named.layer {
            Layer::Conv(layer) => conv(layer),
            Layer::Depthwise(layer) => depthwise(layer),
            Layer::Linear(layer) => linear(layer),
            Layer::AveragePool(layer) | Layer::MaxPool(layer) => pool(layer),
            Layer::Add(layer) => add(layer),
        };
        quote!(#field: #table)
    }

    /// Its execution: by the target's own kernel if there may be one, with all that is known of it. Then the
    /// weights are as that wants them.
    pub fn call(&self, artifact: &Artifact, layers: &[Layer]) -> TokenStream {
        let field = self.field();
        let layer = &self.named.layer;
        let parameters = &artifact.parameters;
        let usize = Literal::usize_unsuffixed;
        let x = usize(layer.first_input().bits.count());
        let takes = layout::armv7em_takes(layer, parameters);
        let plan = if takes {
            layout::plan(layers, self.index, parameters, artifact.header.arena_bytes)
        } else {
            None
        };
        let codes = plan.as_ref().map_or(0, |plan| layout::armv7em_codes(layer, parameters, plan));
        let y = usize(codes);
        let native = |kernel: &str, weight_bits: Bits, more: TokenStream| {
            let (kernel, w) = (format_ident!("{kernel}"), usize(weight_bits.count()));
            let plan = plan.as_ref().map(plan_literal).into_iter();
            quote!(native::#kernel::<#x, #w, #more>(&layers.#field, parameters, arena #(, #plan)*);)
        };
        let portable = |kernel: &str, weight_bits: Bits, requant: &Requant| {
            let (kernel, w) = (format_ident!("{kernel}"), usize(weight_bits.count()));
            let rule = match requant.rule {
                Rule::Multiplier => quote!(multiplier),
                Rule::Thresholds16 => quote!(thresholds16),
                Rule::Thresholds32 => quote!(thresholds32),
            };
            quote!(layer::#kernel::<#x, #w>(&layers.#field, requant::#rule, parameters, arena);)
        };
        let words = layout::armv7em_words(layer);
        match layer {
            Layer::Conv(conv) if takes => {
                let windows = Literal::u8_unsuffixed(layout::Windows::of(conv) as u8);
                let zero = codes > 0 && conv.output.zero_point == 0;
                let fraction = Literal::u8_unsuffixed(conv.requant.fraction);
                let whole = codes > 0 && plan.as_ref().is_some_and(|plan| layout::whole(conv, plan));
                native("conv", conv.weight_bits, quote!(#y, #fraction, #zero, #windows, #whole))
            }
            Layer::Depthwise(Depthwise { output, weight_bits, .. }) if takes => {
                let (y, odd) = (usize(output.bits.count()), output.channels % 2 == 1);
                native("depthwise", *weight_bits, quote!(#y, #odd))
            }
            Layer::Linear(linear) if takes => native("linear", linear.weight_bits, quote!(#y)),
            Layer::Conv(layer) => portable("conv", layer.weight_bits, &layer.requant),
            Layer::Depthwise(layer) => portable("depthwise", layer.weight_bits, &layer.requant),
            Layer::Linear(layer) => portable("linear", layer.weight_bits, &layer.requant),
            Layer::AveragePool(_) => quote!(native::average_pool::<#x, #words>(&layers.#field, arena);),
            Layer::MaxPool(_) => quote!(native::max_pool::<#x, #words>(&layers.#field, arena);),
            Layer::Add(layer) if layer.output.bits == Bits::B32 => quote!(layer::add(&layers.#field, arena);),
            Layer::Add(_) => quote!(native::add(&layers.#field, arena);),
        }
    }
}

/// For people: `conv 3x3, 4-bit weights, 8x8x1 (8 bits) to 8x8x16 (4 bits)`.
fn summary(layer: &Layer) -> String {
    let tensor = |t: &Tensor| format!("{}x{}x{} ({} bits)", t.height, t.width, t.channels, t.bits.count());
    let weights = layer.weights().map(|(.., bits)| format!(", {}-bit weights", bits.count()));
    let (input, output) = (tensor(layer.first_input()), tensor(layer.output()));
    format!("{}{}, {input} to {output}", layer.kind(), weights.unwrap_or_default())
}

fn plan_literal(plan: &Plan) -> TokenStream {
    let (scratch, scratch_bytes) = (int(plan.scratch), int(plan.scratch_bytes));
    let (chunk, interval) = (int(plan.proof.chunk), int(plan.proof.interval));
    quote!(&format::layout::Plan {
        scratch: #scratch,
        scratch_bytes: #scratch_bytes,
        proof: format::layout::Proof { chunk: #chunk, interval: #interval },
    })
}

fn int(value: impl Into<i64>) -> Literal {
    Literal::i64_unsuffixed(value.into())
}

fn bits(bits: Bits) -> TokenStream {
    let variant = format_ident!("B{}", bits.count());
    quote!(format::Bits::#variant)
}

fn tensor(t: &Tensor) -> TokenStream {
    let (height, width, channels) = (int(t.height), int(t.width), int(t.channels));
    let (bits, zero_point, offset) = (bits(t.bits), int(t.zero_point), int(t.offset));
    quote!(format::Tensor {
        height: #height,
        width: #width,
        channels: #channels,
        bits: #bits,
        zero_point: #zero_point,
        offset: #offset,
    })
}

fn window(w: &Window) -> TokenStream {
    let (kernel_height, kernel_width) = (int(w.kernel_height), int(w.kernel_width));
    let (stride_height, stride_width) = (int(w.stride_height), int(w.stride_width));
    let (pad_top, pad_left) = (int(w.pad_top), int(w.pad_left));
    quote!(format::Window {
        kernel_height: #kernel_height,
        kernel_width: #kernel_width,
        stride_height: #stride_height,
        stride_width: #stride_width,
        pad_top: #pad_top,
        pad_left: #pad_left,
    })
}

fn requant(r: &Requant) -> TokenStream {
    let (bias, multiplier, shift) = (int(r.bias), int(r.multiplier), int(r.shift));
    let weight_zero_point = int(r.weight_zero_point);
    let rule = match r.rule {
        Rule::Multiplier => quote!(Multiplier),
        Rule::Thresholds16 => quote!(Thresholds16),
        Rule::Thresholds32 => quote!(Thresholds32),
    };
    let (multiplier_step, zero_point_step) = (int(r.multiplier_step), int(r.zero_point_step));
    let fraction = int(r.fraction);
    quote!(format::Requant {
        bias: #bias,
        multiplier: #multiplier,
        shift: #shift,
        weight_zero_point: #weight_zero_point,
        rule: format::Rule::#rule,
        multiplier_step: #multiplier_step,
        zero_point_step: #zero_point_step,
        fraction: #fraction,
    })
}

fn conv(l: &Conv) -> TokenStream {
    let (input, output, window) = (tensor(&l.input), tensor(&l.output), window(&l.window));
    let (weights, weight_bits, requant) = (int(l.weights), bits(l.weight_bits), requant(&l.requant));
    quote!(format::Conv {
        input: #input,
        output: #output,
        window: #window,
        weights: #weights,
        weight_bits: #weight_bits,
        requant: #requant,
    })
}

fn depthwise(l: &Depthwise) -> TokenStream {
    let (input, output, window) = (tensor(&l.input), tensor(&l.output), window(&l.window));
    let (weights, weight_bits, requant) = (int(l.weights), bits(l.weight_bits), requant(&l.requant));
    quote!(format::Depthwise {
        input: #input,
        output: #output,
        window: #window,
        weights: #weights,
        weight_bits: #weight_bits,
        requant: #requant,
    })
}

fn linear(l: &Linear) -> TokenStream {
    let (input, output) = (tensor(&l.input), tensor(&l.output));
    let (weights, weight_bits, requant) = (int(l.weights), bits(l.weight_bits), requant(&l.requant));
    quote!(format::Linear {
        input: #input,
        output: #output,
        weights: #weights,
        weight_bits: #weight_bits,
        requant: #requant,
    })
}

fn pool(l: &Pool) -> TokenStream {
    let (input, output, window) = (tensor(&l.input), tensor(&l.output), window(&l.window));
    quote!(format::Pool { input: #input, output: #output, window: #window })
}

fn add(l: &Add) -> TokenStream {
    let (a, b, output) = (tensor(&l.a), tensor(&l.b), tensor(&l.output));
    let (multiplier_a, multiplier_b, shift) = (int(l.multiplier_a), int(l.multiplier_b), int(l.shift));
    quote!(format::Add {
        a: #a,
        b: #b,
        output: #output,
        multiplier_a: #multiplier_a,
        multiplier_b: #multiplier_b,
        shift: #shift,
    })
}

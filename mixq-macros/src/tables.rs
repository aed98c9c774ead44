//! One layer as Rust: its table in flash and the call that executes it.

use mixq_format::target::{Kernel, LaidOut};
use mixq_format::{Artifact, Layer, Tensor};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// A layer of a network, in the order of execution.
pub struct Step<'a> {
    /// Counted from 0.
    pub index: usize,
    /// Its name in the network's description.
    pub name: &'a str,
    /// Its table.
    pub layer: &'a Layer,
    /// What executes it.
    pub kernel: &'a Kernel,
}

/// All layers of a network, as they are laid out.
pub fn steps<'a>(artifact: &'a Artifact, laid_out: &'a LaidOut) -> impl Iterator<Item = Step<'a>> {
    let layers = artifact.header.layers.iter().zip(&laid_out.layers).zip(&laid_out.kernels);
    layers.enumerate().map(|(index, ((named, layer), kernel))| Step {
        index,
        name: &named.name,
        layer,
        kernel,
    })
}

impl Step<'_> {
    fn field(&self) -> Ident {
        format_ident!("l{}", self.index)
    }

    /// The type of its table, in mixq-format.
    fn table(&self) -> TokenStream {
        match self.layer {
            Layer::Conv(_) => quote!(Conv),
            Layer::Depthwise(_) => quote!(Depthwise),
            Layer::Linear(_) => quote!(Linear),
            Layer::AveragePool(_) | Layer::MaxPool(_) => quote!(Pool),
            Layer::Add(_) => quote!(Add),
            Layer::Multiply(_) => quote!(Multiply),
            Layer::Elementwise(_) => quote!(Elementwise),
            Layer::Prelu(_) => quote!(Prelu),
            Layer::Rearrange(_) => quote!(Rearrange),
            Layer::Resize(_) => quote!(Resize),
            Layer::GroupedConv(_) => quote!(GroupedConv),
            Layer::Constants(_) => quote!(Constants),
        }
    }

    /// Its field in `struct Layers`.
    pub fn declaration(&self) -> TokenStream {
        let field = self.field();
        let doc = format!(" `{}`: {}", self.name, summary(self.layer));
        let table = self.table();
        quote!(#[doc = #doc] #field: format::Checked<format::#table, PARAMETER_BYTES, RAM_BYTES>)
    }

    /// Its value in `static LAYERS`, with the names of mixq-format in scope.
    pub fn value(&self) -> TokenStream {
        let (field, table) = (self.field(), rust(&format!("{:?}", self.layer.table())));
        let checked = self.table();
        quote!(#field: Checked::<#checked, PARAMETER_BYTES, RAM_BYTES>::new(#table))
    }

    /// Its execution.
    pub fn call(&self) -> TokenStream {
        rust(&self.kernel.call(&format!("&layers.{}", self.field())))
    }
}

fn rust(text: &str) -> TokenStream {
    text.parse().expect("tables and calls are printed as Rust")
}

/// For people: `conv 3x3, 4-bit weights, 8x8x1 (8 bits) to 8x8x16 (4 bits)`.
fn summary(layer: &Layer) -> String {
    let tensor = |t: &Tensor| format!("{}x{}x{} ({} bits)", t.height, t.width, t.channels, t.bits.count());
    let weights = layer.weights().map(|(.., bits)| format!(", {}-bit weights", bits.count()));
    let (input, output) = (tensor(layer.first_input()), tensor(layer.output()));
    format!("{}{}, {input} to {output}", layer.kind(), weights.unwrap_or_default())
}

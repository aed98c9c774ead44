//! One layer as Rust: its table in flash and the call that executes it.

use mixq_format::target::{Kernel, LaidOut};
use mixq_format::{Artifact, Layer, Lines, NamedLayer, Stage, Tensor, Trace};
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
    /// The stage that it is in.
    pub stage: Option<&'a StageTables>,
}

/// The tables of a stage.
pub struct StageTables {
    /// Counted from 0.
    pub number: usize,
    /// The stage itself.
    pub stage: Stage,
    /// The numbers of its layers.
    lines: Lines,
    /// The rows that the places of each layer's tensors hold.
    held: Vec<[u16; 3]>,
}

/// The tables of all stages of a network.
pub fn stages(artifact: &Artifact, laid_out: &LaidOut) -> Vec<StageTables> {
    let layers = &laid_out.layers;
    let tables = artifact.header.stages.iter().enumerate().map(|(number, stage)| {
        let lines = stage.lines(layers).expect("stages are checked when the file is read");
        let rows = Trace::new(stage, &lines).held;
        let held = layers[stage.range()].iter().enumerate();
        let held = held.map(|(index, layer)| stage.held_of(layer, index, &lines, &rows)).collect();
        StageTables { number, stage: *stage, lines, held }
    });
    tables.collect()
}

impl StageTables {
    /// The name of its field.
    pub fn field(&self) -> Ident {
        format_ident!("s{}", self.number)
    }

    /// Its field in `struct Layers`.
    pub fn declaration(&self) -> TokenStream {
        let (field, lines) = (self.field(), self.lines.len());
        let doc = format!(" How the rows of stage {} depend on one another.", self.number);
        quote!(#[doc = #doc] #field: [format::Line; #lines])
    }

    /// Its value in `static LAYERS`, with the names of mixq-format in scope.
    pub fn value(&self) -> TokenStream {
        let (field, lines) = (self.field(), rust(&format!("{:?}", &self.lines[..])));
        quote!(#field: #lines)
    }

    /// Its execution; `calls`: those of its layers.
    fn call(&self, calls: &[TokenStream]) -> TokenStream {
        let (field, stage) = (self.field(), stage_of(&self.stage));
        // A block, so that the turns of all stages take one place on the stack.
        quote! {
            {
                let turns = format::Turns::new(&layers.#field, &#stage, arena);
                while turns.next(arena) {
                    #(#calls)*
                }
            }
        }
    }
}

/// A stage as Rust.
pub fn stage_of(stage: &Stage) -> TokenStream {
    rust(&format!("format::{stage:?}"))
}

/// The tables of the first stage, if the image comes in rows.
pub fn fed<'a>(steps: &[Step<'a>]) -> Option<&'a StageTables> {
    steps.first()?.stage.filter(|stage| stage.stage.fed)
}

/// The execution of all layers, those of a stage in turns.
pub fn calls(steps: &[Step<'_>]) -> Vec<TokenStream> {
    let stage = |step: &Step<'_>| step.stage.map(|stage| stage.number);
    let groups = steps.chunk_by(|a, b| a.stage.is_some() && stage(a) == stage(b));
    let of_group = |steps: &[Step<'_>]| {
        let calls: Vec<TokenStream> = steps.iter().map(Step::call).collect();
        steps[0].stage.map_or(quote!(#(#calls)*), |stage| stage.call(&calls))
    };
    groups.map(of_group).collect()
}

/// All layers of a network, as they are laid out.
pub fn steps<'a>(artifact: &'a Artifact, laid_out: &'a LaidOut, stages: &'a [StageTables]) -> Vec<Step<'a>> {
    let layers = artifact.header.layers.iter().zip(&laid_out.layers).zip(&laid_out.kernels);
    let step = |(index, ((named, layer), kernel)): (usize, ((&'a NamedLayer, &'a Layer), &'a Kernel))| {
        let stage = stages.iter().find(|tables| tables.stage.range().contains(&index));
        Step { index, name: &named.name, layer, kernel, stage }
    };
    layers.enumerate().map(step).collect()
}

impl<'a> Step<'a> {
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
        let (kind, table) = (self.kind(), self.table());
        quote!(#[doc = #doc] #field: format::#kind<format::#table, PARAMETER_BYTES, RAM_BYTES>)
    }

    /// Its value in `static LAYERS`, with the names of mixq-format in scope.
    pub fn value(&self) -> TokenStream {
        let (field, table) = (self.field(), rust(&format!("{:?}", self.layer.table())));
        let (kind, checked) = (self.kind(), self.table());
        let held = self.place().map(|(stage, place)| {
            let held = stage.held[place];
            quote!(, [#(#held),*])
        });
        quote!(#field: #kind::<#checked, PARAMETER_BYTES, RAM_BYTES>::new(#table #held))
    }

    /// Whether the layer works on whole tensors or on stripes.
    fn kind(&self) -> Ident {
        format_ident!("{}", if self.stage.is_some() { "Striped" } else { "Checked" })
    }

    /// Its stage, and its place among the layers of that.
    fn place(&self) -> Option<(&'a StageTables, usize)> {
        self.stage.map(|stage| (stage, self.index - stage.stage.range().start))
    }

    /// Its execution.
    pub fn call(&self) -> TokenStream {
        let field = self.field();
        let Some((_, place)) = self.place() else {
            return rust(&self.kernel.call(&format!("&layers.{field}")));
        };
        let call = rust(&self.kernel.call("table"));
        quote! {
            {
                // A function of its own, so that the tables of all layers take one place on the stack.
                #[inline(never)]
                fn on_rows(
                    layers: &Layers,
                    turns: &format::Turns<'_>,
                    parameters: &[u8; PARAMETER_BYTES],
                    arena: &mut [u8; RAM_BYTES],
                ) {
                    layers.#field.stripe(turns, #place, arena, |table, arena| { #call });
                }
                on_rows(layers, &turns, parameters, arena);
            }
        }
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

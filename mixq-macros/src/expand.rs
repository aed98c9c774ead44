//! The module that `include_model!` becomes.

use mixq_format::target::{LaidOut, Target, VARIABLE as TARGET};
use mixq_format::{Artifact, Header};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::memory::{Memory, OWN, SHARED};
use crate::models::VARIABLE;
use crate::outputs;
use crate::parse::Model;
use crate::samples;
use crate::tables::{StageTables, Step, calls, stages, steps};
use crate::task;
use crate::{frame, inputs};

/// Constants, tables and `Network` of one model.
pub fn module(model: &Model, artifact: &Artifact, memory: Memory, target: &Target) -> TokenStream {
    let Model { visibility, name } = model;
    let (layers, kept) = (artifact.layers(), artifact.kept());
    let laid_out = target.lay_out(layers.steps(&kept), &artifact.parameters, artifact.header.arena_bytes);
    let doc = inputs::summary(&artifact.header, &model.file_stem());
    let file = format!("/{}.mixq", model.file_stem());
    let (constants, tables) = (constants(artifact), tables(artifact, &laid_out, target));
    let network = network(artifact, &laid_out, memory);
    quote! {
        #[doc = #doc]
        // No firmware uses all of it, a private module makes no public items, and a network of additions and
        // pools alone has no parameters.
        #[allow(dead_code, unreachable_pub, unused_imports, unused_variables)]
        #visibility mod #name {
            use ::mixq_rt::format;

            // Makes rustc compile this again when the file or the folder changes; not linked.
            const _: &[u8] =
                ::core::include_bytes!(::core::concat!(::core::env!(#VARIABLE), #file));
            // The same for the sizes of arenas, and for whether one is shared.
            const _: ::core::option::Option<&str> = ::core::option_env!(#SHARED);
            const _: ::core::option::Option<&str> = ::core::option_env!(#OWN);
            // And for the instruction set.
            const _: ::core::option::Option<&str> = ::core::option_env!(#TARGET);

            #constants
            #tables
            #network
        }
    }
}

fn constants(artifact: &Artifact) -> TokenStream {
    let header = &artifact.header;
    let usize = Literal::usize_unsuffixed;
    let u64 = Literal::u64_unsuffixed;
    let (constants, inputs) = (task::constants(header), inputs::constants(header));
    let named = outputs::named(header);
    let (flash, ram) = (usize(artifact.flash_bytes()), usize(artifact.ram_bytes()));
    let (flash_budget, ram_budget) = (u64(header.budget.flash), u64(header.budget.ram));
    let macs = u64(header.layers.iter().fold(0, |sum, named| named.macs.saturating_add(sum)));
    let logit_scale = Literal::f64_unsuffixed(header.logit_scale);
    let zero_point = outputs::zero_point(header);
    quote! {
        #constants
        #zero_point
        #named
        #inputs
        /// Bytes of constants (weights and tables) that the linked image holds for this network.
        pub const FLASH_BYTES: usize = #flash;
        /// Bytes of RAM that the network takes: the image, all activations and the logits.
        pub const RAM_BYTES: usize = #ram;
        /// Bytes that `FLASH_BYTES` may be.
        pub const FLASH_BUDGET: u64 = #flash_budget;
        /// Bytes that `RAM_BYTES` may be.
        pub const RAM_BUDGET: u64 = #ram_budget;
        /// Multiply-accumulates for one image.
        pub const MACS: u64 = #macs;
        /// What one unit of a logit is worth on the scale of the float network.
        pub const LOGIT_SCALE: f64 = #logit_scale;
    }
}

fn tables(artifact: &Artifact, laid_out: &LaidOut, target: &Target) -> TokenStream {
    let stages = stages(artifact, laid_out);
    let steps = steps(artifact, laid_out, &stages);
    let of_stages = |of: fn(&StageTables) -> TokenStream| stages.iter().map(of);
    let declarations = steps.iter().map(Step::declaration).chain(of_stages(StageTables::declaration));
    let values = steps.iter().map(Step::value).chain(of_stages(StageTables::value));
    let length = laid_out.parameters.len().next_multiple_of(4);
    let mut parameters = laid_out.parameters.clone();
    parameters.resize(length, 0);
    let (parameters, length) = (Literal::byte_string(&parameters), Literal::usize_unsuffixed(length));
    let target = target.name;
    quote! {
        /// Bytes of `PARAMETERS`.
        const PARAMETER_BYTES: usize = #length;

        /// The layers' shapes and offsets, in the order of execution. The compiler checks that they fit
        /// parameters and arena.
        ///
        /// `run` takes these and the parameters through `black_box`: otherwise the compiler could
        /// fold some of them into code, and the linked image would not hold exactly `FLASH_BYTES`.
        #[repr(C)]
        struct Layers { #(#declarations),* }

        static LAYERS: Layers = {
            use format::{
                Add, Axis, Checked, Constants, Conv, Depthwise, Elementwise, GroupedConv, Line, Linear,
                Multiply, Pool, Positions, Prelu, Rearrange, Requant, Resize, Striped, Tensor, Window,
            };
            use format::{Between::*, Bits::*, Operation::*, Rest::*, Rule::*};
            Layers { #(#values),* }
        };

        /// Packed weights and requantisation tables.
        #[repr(C, align(4))]
        struct Parameters([u8; PARAMETER_BYTES]);

        static PARAMETERS: Parameters = Parameters(*#parameters);

        const _: () = ::mixq_rt::export::assert_target(#target);

        const _: () = {
            ::core::assert!(
                ::core::mem::size_of::<Layers>() + ::core::mem::size_of::<Parameters>() == FLASH_BYTES,
                "mixq: the flash figure is wrong"
            );
            ::core::assert!(FLASH_BYTES as u64 <= FLASH_BUDGET, "the network is over its flash budget");
            ::core::assert!(RAM_BYTES as u64 <= RAM_BUDGET, "the network is over its RAM budget");
        };
    }
}

fn network(artifact: &Artifact, laid_out: &LaidOut, memory: Memory) -> TokenStream {
    let header = &artifact.header;
    let stages = stages(artifact, laid_out);
    let steps = steps(artifact, laid_out, &stages);
    let frame = frame::module(header, &steps, memory);
    let (network, lifetime) = (memory.network(header.arena_bytes / 4), memory.lifetime());
    let (outputs, methods) = (task::outputs(header), task::methods(header));
    let (element, others) = (outputs::element(header), outputs::method(header));
    let samples = samples::methods(header, &outputs);
    let infer_doc = inputs::documentation(header);
    let (parameter, infer, places) =
        (inputs::parameter(header), inputs::infer(header), inputs::methods(header));
    let run = if frame::is_fed(header) { TokenStream::new() } else { run(header, &steps) };
    quote! {
        #network

        #frame

        impl Network #lifetime {
            /// The logits of an image.
            ///
            #[doc = #infer_doc]
            pub fn infer(&mut self, #parameter) -> &[#element; #outputs] {
                #infer
            }

            #methods

            #others

            #samples

            #places

            #run
        }
    }
}

fn run(header: &Header, steps: &[Step<'_>]) -> TokenStream {
    let calls = calls(steps);
    let (element, outputs) = (outputs::element(header), task::outputs(header));
    let read = outputs::read(header, &quote!(self.arena));
    quote! {
        /// The logits of the image that lies in its place in the arena.
        pub fn run(&mut self) -> &[#element; #outputs] {
            let layers = ::core::hint::black_box(&LAYERS);
            let parameters = &::core::hint::black_box(&PARAMETERS).0;
            // Kernels may work anywhere in what they get: no more than the network's own bytes.
            let arena = self.arena.array_mut::<RAM_BYTES>(0);
            #(#calls)*
            #read
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mixq_format::{Accuracy, Bits, Budget, Layer, Linear, NamedLayer, Requant, Rule, Tensor};

    use super::*;

    /// 2x2x1 pixels, one linear layer of 2-bit weights, 3 classes; 3 * 4 bytes of bias, 4 of multiplier, 1
    /// of shift, 1 of zero point, 12 rows of one weight: 30 bytes.
    fn artifact() -> Artifact {
        let input = Tensor { height: 2, width: 2, channels: 1, bits: Bits::B8, zero_point: 0, offset: 0 };
        let output = Tensor { height: 1, width: 1, channels: 3, bits: Bits::B32, zero_point: 0, offset: 4 };
        let requant = Requant {
            bias: 0,
            multiplier: 12,
            shift: 16,
            weight_zero_point: 17,
            rule: Rule::Multiplier,
            multiplier_step: 0,
            zero_point_step: 0,
            fraction: 0,
        };
        let layer = Layer::Linear(Linear { input, output, weights: 18, weight_bits: Bits::B2, requant });
        let header = Header {
            name: "digits".to_string(),
            task: mixq_format::Task::default(),
            labels: ["one", "two", "\"three\""].map(String::from).to_vec(),
            input,
            samples: Vec::new(),
            inputs: Vec::new(),
            output,
            arena_bytes: 16,
            logit_scale: 0.5,
            outputs: Vec::new(),
            readout: mixq_format::Readout::default(),
            stages: Vec::new(),
            layers: vec![NamedLayer { name: "classifier".to_string(), macs: 12, layer }],
            fingerprint: BTreeMap::new(),
            budget: Budget { flash: 1000, ram: 36 },
            accuracy: Accuracy {
                float: 1.0,
                fake_quant: 1.0,
                integer: 0.975,
                test_images: 40,
                ..Accuracy::default()
            },
        };
        Artifact { header, parameters: vec![1; 30] }
    }

    /// The module without white space.
    fn expanded(argument: TokenStream) -> String {
        expanded_in(argument, Memory::Own(None))
    }

    fn expanded_in(argument: TokenStream, memory: Memory) -> String {
        let portable = Target::named("portable").unwrap();
        let artifact = memory.place(&artifact()).unwrap();
        let module = module(&crate::parse::model(argument).unwrap(), &artifact, memory, portable);
        syn::parse2::<syn::File>(module.clone()).expect("it is a Rust file");
        module.to_string().split_whitespace().collect()
    }

    #[test]
    fn the_test_network_is_valid() {
        artifact().network(&artifact().layers()).validate().unwrap();
    }

    #[test]
    fn the_module_carries_the_figures() {
        let code = expanded(quote!(digits));
        // 30 bytes of parameters padded to 32, and the table of a linear layer.
        let flash = 32 + size_of::<Linear>();
        for expected in [
            &format!("pubconstFLASH_BYTES:usize={flash};"),
            "pubconstRAM_BYTES:usize=16;",
            "pubconstCLASSES:usize=3;",
            "pubconstLABELS:[&str;CLASSES]=[\"one\",\"two\",\"\\\"three\\\"\"];",
            "pubconstINPUT_BYTES:usize=4;",
            "pubconstMACS:u64=12;",
            "pubconstLOGIT_SCALE:f64=0.5;",
            "structParameters([u8;PARAMETER_BYTES]);",
            "constPARAMETER_BYTES:usize=32;",
            "righton97.50%of40testimages",
        ] {
            assert!(code.contains(expected), "{expected} is not in {code}");
        }
    }

    #[test]
    fn the_module_calls_the_kernels_of_its_bits() {
        let code = expanded(quote!(digits));
        let operands = "::mixq_rt::format::Operands::new(&layers.l0,parameters,arena)";
        assert!(code.contains(&format!("linear::<8,2>({operands},multiplier);")), "{code}");
        assert!(code.contains("arena.logits::<CLASSES>(4)"), "{code}");
    }

    #[test]
    fn a_network_borrows_the_arena_that_all_share() {
        let code = expanded_in(quote!(digits), Memory::Shared(40, Some(36)));
        for expected in [
            "pubconstRAM_BYTES:usize=36;",
            "pubconstARENA_BYTES:usize=40;",
            "pubtypeArena=::mixq_rt::Arena<10>;",
            "pubconstfnnew(arena:&'amutArena)->Network<'a>",
            "self.arena.array_mut::<RAM_BYTES>(0)",
        ] {
            assert!(code.contains(expected), "{expected} is not in {code}");
        }
        let own = expanded(quote!(digits));
        assert!(own.contains("arena:::mixq_rt::Arena<4>") && !own.contains("ARENA_BYTES:"), "{own}");
    }

    #[test]
    fn an_arena_that_is_too_small_is_refused() {
        assert_eq!(Memory::Shared(16, None).place(&artifact()), Ok(artifact()));
        let error = |memory: Memory| memory.place(&artifact()).unwrap_err();
        assert!(
            error(Memory::Shared(12, None))
                .starts_with("`digits` needs 16 bytes of RAM, but the arena that all models share has 12")
        );
        assert!(
            error(Memory::Own(Some(12))).starts_with("`digits` needs 16 bytes of RAM, but its arena has 12")
        );
    }

    #[test]
    fn more_arena_moves_the_last_tensor() {
        let code = expanded_in(quote!(digits), Memory::Own(Some(48)));
        // 12 bytes of logits, which ended where the arena did.
        for expected in [
            "pubconstRAM_BYTES:usize=48;",
            "arena.logits::<CLASSES>(36)",
            "Arena<12>",
            // Cargo.toml gives more than when the artifact was made.
            "pubconstRAM_BUDGET:u64=48;",
        ] {
            assert!(code.contains(expected), "{expected} is not in {code}");
        }
    }

    #[test]
    fn the_module_is_as_visible_as_asked() {
        assert!(expanded(quote!(digits)).contains("]moddigits{"));
        assert!(expanded(quote!(pub digits)).contains("]pubmoddigits{"));
    }

    #[test]
    fn rustc_tracks_the_file() {
        let code = expanded(quote!(digits));
        assert!(
            code.contains("include_bytes!(::core::concat!(::core::env!(\"MIXQ_MODELS\"),\"/digits.mixq\"))")
        );
    }
}

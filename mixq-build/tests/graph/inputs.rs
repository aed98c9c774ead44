//! Networks with several inputs.

use mixq_build::engine::graph::{Graph, Shape, Source};
use mixq_build::engine::memory::allocate;
use mixq_build::engine::settings::Scheme;
use mixq_format::Bits;

use crate::resolve;

/// Two inputs, each read by a linear layer; `more` are further keys and layers.
fn two(inputs: &str, more: &str) -> String {
    let linear = |name: &str, reads: &str| {
        format!("[[layer]]\nop = \"linear\"\nname = \"{name}\"\nfeatures = 3\n{reads}")
    };
    format!(
        "{inputs}\n{}{}{more}[[layer]]\nop = \"add\"\ninputs = [\"a\", \"b\"]\n{}",
        linear("a", ""),
        linear("b", "inputs = [\"meta\"]\n"),
        linear("c", "")
    )
}

#[test]
fn inputs_are_written_in_three_ways_and_keep_their_order() {
    let shapes = [Shape { height: 2, width: 2, channels: 1 }, Shape::from(5)];
    for (inputs, first) in [
        ("input = [2, 2, 1]\ninputs = { meta = [1, 1, 5] }", "image"),
        ("[inputs]\nzoom = [2, 2, 1]\nmeta = [1, 1, 5]", "zoom"),
        ("[inputs.zoom]\nshape = [2, 2, 1]\n[inputs.meta]\nshape = [1, 1, 5]", "zoom"),
    ] {
        let graph = resolve(&two(inputs, "")).unwrap_or_else(|error| panic!("{error}"));
        let found: Vec<(&str, Shape)> =
            graph.inputs.iter().map(|input| (&input.name[..], input.shape)).collect();
        assert_eq!(found, [(first, shapes[0]), ("meta", shapes[1])]);
        assert_eq!((graph.inputs.elements(), graph.inputs.ranges()), (9, vec![0..4, 4..9]));
        assert_eq!(graph.nodes[0].inputs, [Source::Input(0)]);
        assert_eq!(graph.nodes[1].inputs, [Source::Input(1)]);
        assert_eq!(graph.name(Source::Input(1)), "meta");
    }
}

/// Fingerprints of networks with one image rest on this text.
#[test]
fn one_input_leaves_the_text_of_a_network_as_it_was() {
    let layer = "layer = [{ op = \"linear\", features = 2 }]";
    let text = |network: &str| serde_json::to_string(&resolve(network).unwrap()).unwrap();
    let image = text(&format!("input = [2, 2, 1]\n{layer}"));
    assert!(image.starts_with(r#"{"input":{"height":2,"width":2,"channels":1},"nodes":[{"name":"linear1""#));
    assert!(image.contains(r#""inputs":["Image"]"#), "{image}");
    assert_eq!(text(&format!("inputs = {{ sensor = [2, 2, 1] }}\n{layer}")), image);
    let several = text(&two("input = [2, 2, 1]\ninputs = { meta = [1, 1, 5] }", ""));
    let first = r#"{"input":[{"name":"image","shape":{"height":2,"width":2,"channels":1}},{"name":"meta","#;
    assert!(several.starts_with(first), "{several}");
    assert!(several.contains(r#""inputs":[{"Input":1}]"#), "{several}");
}

#[test]
fn all_inputs_live_from_the_start_each_at_its_place() {
    let graph = resolve(&two("input = [2, 2, 1]\ninputs = { meta = [1, 1, 5] }", "")).unwrap();
    let narrow = |name: &str| if name == "meta" { Bits::B4 } else { Bits::B8 };
    let inputs = graph.inputs.clone().with_bits(|input| narrow(&input.name));
    let graph = Graph { inputs, ..graph };
    let allocation = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
    let [image, meta] = [allocation.tensors[0], allocation.tensors[1]];
    assert_eq!((image.bits, image.bytes(), meta.bits, meta.bytes()), (Bits::B8, 4, Bits::B4, 3));
    // By hand: while `a` is computed its input, itself and `meta` live, of a word each.
    assert_eq!(allocation.live_bytes[0], 4 + 4 + 4);
    let ends = |start: usize, bytes: usize| start..start + bytes;
    let (a, b) = (ends(image.offset, 4), ends(meta.offset, 3));
    assert!(a.end <= b.start || b.end <= a.start, "{a:?} {b:?}");
}

/// Asserts that a list has these problems and no others, each with its place.
#[track_caller]
fn said(text: &str, expected: &[&str]) {
    let found = resolve(text).expect_err("no problem found").to_string();
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{found}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with("net.toml:") && line.contains(expected), "`{expected}` is not in {line}");
    }
}

#[test]
fn what_is_wrong_with_inputs_is_said_all_at_once() {
    said(
        &two("inputs = { meta = [1, 1], deep = { shap = [1, 1, 1] } }", ""),
        &[
            ":1:19: `meta` is [1, 1], it must be [height, width, channels], each 1 to 65,535",
            "`deep` has no `shape`; add shape = [height, width, channels]",
            "unknown key `shap` in an input; did you mean `shape`?",
        ],
    );
    said(
        &two("input = [2, 2, 1]\ninputs = { meta = [1, 1, 5], image = [1, 1, 1], Left = [1, 1, 1] }", ""),
        &[
            ":2:30: two inputs have the name `image`; give one of them another name",
            ":2:49: the input `Left` has a name that cannot be one in Rust; use lower-case letters",
        ],
    );
    said(
        &two("inputs = { photo = [2, 2, 1], meta = [1, 1, 5], other = [1, 1, 1] }", ""),
        &[":1:49: no layer reads the input `other`; name it in a layer, inputs = [\"other\"], or remove it"],
    );
    said(
        &two("inputs = { photo = [2, 2, 1], meta = [1, 1, 5], b = [1, 1, 3] }", ""),
        &[
            "layer 2 has the name `b`, which is that of an input; give it another name",
            "layer `add1` with the operator add reads the input `b`, which only conv",
        ],
    );
    let weights = "weights = \"n.safetensors\"\nnormalisation = { mean = 0, std = 1 }\n";
    said(
        &two(&format!("inputs = {{ photo = [2, 2, 1], meta = [1, 1, 5] }}\n{weights}"), ""),
        &["`normalisation` does not say which of several inputs it is about; write it in the table"],
    );
    let own = "{ shape = [1, 1, 5], normalisation = { mean = [1, 2], std = 0 } }";
    said(
        &two(&format!("inputs = {{ photo = [2, 2, 1], meta = {own} }}\nweights = \"n.safetensors\"\n"), ""),
        &["has 2 values, the input has 5 channels", "it must be a number over 0"],
    );
    let layers = "[[layer]]\nop = \"max_pool\"\nname = \"p\"\nkernel = 1\ninputs = [\"meta\"]\n\
                  [[layer]]\nop = \"linear\"\nname = \"i\"\nfeatures = 1\ninputs = [\"image\"]\n";
    said(
        &two("inputs = { photo = [2, 2, 1], meta = [1, 1, 5] }", layers),
        &[
            "layer `p` with the operator max_pool reads the input `meta`, which only conv",
            "layer `i` reads `image`, which no layer is called; ",
        ],
    );
}

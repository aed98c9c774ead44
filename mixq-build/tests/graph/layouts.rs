//! Inputs whose axes a `transpose` puts into another order.

use mixq_build::engine::graph::op::Rearrange;
use mixq_build::engine::graph::{Graph, Op, Shape, Source};
use mixq_build::engine::import::layers;

use crate::resolve;

/// Three planes of 5x7 pixels, and then these layers.
fn planes(layers: &str) -> String {
    format!(
        "input = [3, 5, 7]\nlayer = [{{ op = \"transpose\", name = \"pixels\", order = [\"width\", \
         \"channels\", \"height\"] }},\n{layers}\n]"
    )
}

const END: &str =
    "{ op = \"conv\", name = \"c\", filters = 2, kernel = 3 }, { op = \"linear\", features = 2 }";

#[test]
fn a_network_may_begin_with_a_transpose() {
    let graph = resolve(&planes(END)).unwrap_or_else(|error| panic!("{error}"));
    let image = Shape { height: 5, width: 7, channels: 3 };
    assert_eq!(graph.nodes[0].op, Op::Rearrange(Rearrange::Transpose { order: [1, 2, 0] }));
    assert_eq!((graph.nodes[0].output, graph.nodes[0].inputs[0]), (image, Source::Input(0)));
    let input = &graph.inputs[0];
    assert_eq!((input.shape, input.image()), (Shape { height: 3, width: 5, channels: 7 }, image));
    assert!(input.is_moved());
    // Element (plane, row, column) is of channel `plane`.
    let channels: Vec<usize> = (0..105).map(|element| input.channel_of(element)).collect();
    assert_eq!(channels, (0..105).map(|element| element / 35).collect::<Vec<_>>());
    assert_eq!(graph.input_of(graph.nodes[1].inputs[0]), Some(0));
    assert_eq!(graph.readers_of_input(0), [1]);
    // Its codes have the zero point of the input, whatever that is.
    assert!(!graph.zero_based()[0]);
    // What is read as it is has the order that it has.
    let plain = resolve("input = [3, 5, 7]\nlayer = [{ op = \"linear\", features = 2 }]").unwrap();
    assert!(!plain.inputs[0].is_moved());
    assert_eq!(
        (0..9).map(|element| plain.inputs[0].channel_of(element)).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 0, 1]
    );
}

#[test]
fn orders_add_up() {
    let back = "{ op = \"transpose\", order = [\"channels\", \"height\", \"width\"] },";
    let graph: Graph = resolve(&planes(&format!("{back}{END}"))).unwrap_or_else(|error| panic!("{error}"));
    // There and back: the layers see the planes again.
    assert_eq!(graph.inputs[0].image(), graph.inputs[0].shape);
    assert_eq!(graph.input_of(graph.nodes[2].inputs[0]), Some(0));
    // As many numbers as the layers see channels.
    let with = |mean: &str| {
        let normalisation = format!("normalisation = {{ mean = {mean}, std = 1 }}");
        let keys = format!("weights = \"n.safetensors\"\n{normalisation}\nlayer");
        let text = planes(END).replacen("layer", &keys, 1);
        layers::parse_with_weights(std::path::Path::new("net.toml"), &text)
    };
    let read = with("[1, 2, 3]").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.normalisations[0].as_ref().unwrap().mean, [1.0, 2.0, 3.0]);
    let said = with("[1, 2, 3, 4, 5, 6, 7]").unwrap_err().to_string();
    assert!(said.contains("has 7 values, the input has 3 channels"), "{said}");
}

#[test]
fn a_moved_input_is_still_one() {
    for (layers, expected) in [
        (
            format!("{{ op = \"max_pool\", name = \"p\", kernel = 2 }}, {END}"),
            "layer `p` with the operator max_pool reads the image, which only conv",
        ),
        (
            format!("{END}, {{ op = \"linear\", name = \"l\", features = 2, inputs = [\"image\"] }}"),
            "layers read the image with its axes in different orders: height, width, channels; width, \
             channels, height; let all read what one `transpose` writes",
        ),
        (
            format!("{{ op = \"relu\", name = \"r\" }}, {END}"),
            "layer `r` follows `pixels`, whose operator is transpose",
        ),
        (
            format!(
                "{{ op = \"transpose\", name = \"t\", order = [\"height\", \"width\", \"channels\"], \
                 output = true }}, {END}"
            ),
            "layer `t` is an output, but only moves what the network reads",
        ),
        (
            "{ op = \"concat\", name = \"j\", inputs = [\"pixels\", \"pixels\"] }".to_string() + ", " + END,
            "layer `j` with the operator concat reads the image, which only conv",
        ),
    ] {
        let said = resolve(&planes(&layers)).expect_err(&layers).to_string();
        assert!(said.contains(expected), "{said}");
    }
    let nothing = "input = [3, 5, 7]\nlayer = [{ op = \"transpose\", order = [\"width\", \"height\", \
                   \"channels\"] }]";
    let said = resolve(nothing).unwrap_err().to_string();
    assert!(said.contains("the last layer `transpose1` writes 5x3x7"), "{said}");
    let twice = planes(END).replace("\"channels\", \"height\"]", "\"width\", \"height\"]");
    let said = resolve(&twice).unwrap_err().to_string();
    assert!(said.contains("has the `order` width, width, height"), "{said}");
}

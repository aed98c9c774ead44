mixq_rt::include_model!(fed8);

fn main() {
    let mut network = fed8::Network::new();
    let mut frame = network.begin();
    network.infer(&[0; fed8::INPUT_BYTES]);
    frame.push_rows(&[0; fed8::INPUT_ROW_BYTES]).unwrap();
    frame.finish().unwrap();
    frame.push_rows(&[0; fed8::INPUT_ROW_BYTES]).unwrap();
}

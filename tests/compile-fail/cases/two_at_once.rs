mixq_rt::include_model!(digits);
mixq_rt::include_model!(faces);

fn main() {
    let mut arena = digits::Arena::new();
    let mut digits = digits::Network::new(&mut arena);
    let mut faces = faces::Network::new(&mut arena);
    digits.infer(&[0; digits::INPUT_BYTES]);
    faces.infer(&[0; faces::INPUT_BYTES]);
}

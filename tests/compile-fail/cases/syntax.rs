mixq_rt::include_model!();
mixq_rt::include_model!("digits");
mixq_rt::include_model!(digits, faces);
mixq_rt::include_model!(pub);
mixq_rt::include_model!(models/digits.mixq);

fn main() {}

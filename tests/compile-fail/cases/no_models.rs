mixq_rt::include_model!(digits);

fn main() {}

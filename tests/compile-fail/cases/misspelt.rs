mixq_rt::include_model!(digit);

fn main() {}

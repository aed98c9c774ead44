mixq_rt::include_model!(damaged);

fn main() {}

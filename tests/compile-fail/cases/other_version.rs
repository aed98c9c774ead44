mixq_rt::include_model!(pub future);

fn main() {}

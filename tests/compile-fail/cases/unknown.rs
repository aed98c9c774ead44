mixq_rt::include_model!(wakeword);

fn main() {}

mixq_rt::include_model!(truncated);

fn main() {}

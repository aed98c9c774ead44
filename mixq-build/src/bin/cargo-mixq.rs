//! `cargo mixq`: see [`mixq_build::cli`].

fn main() -> std::process::ExitCode {
    mixq_build::cli::main()
}

//! What the module is compiled for, as the build script announces it.

use mixq_format::target::{ALL, Target, VARIABLE};

/// The target of the package that is being compiled.
///
/// # Errors
/// The build script did not announce one, or it is not known.
pub fn from_env() -> Result<&'static Target, String> {
    let name = std::env::var(VARIABLE).map_err(|_| {
        format!("{VARIABLE} is not set\n\nthe build script sets it: `fn main() {{ mixq_build::build() }}`")
    })?;
    named(&name)
}

fn named(name: &str) -> Result<&'static Target, String> {
    Target::named(name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
        format!("{VARIABLE} is `{name}`, it must be one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_the_name_of_a_target() {
        for target in ALL {
            assert_eq!(named(target.name).map(|found| found.name), Ok(target.name));
        }
        let error = named("mips").unwrap_err();
        assert_eq!(error, "MIXQ_TARGET is `mips`, it must be one of armv7em, armv6m, portable");
    }
}

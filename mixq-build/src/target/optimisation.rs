//! Whether kernels are compiled with optimisation: a profile cannot be changed from here, but a word helps.

use mixq_format::target::Target;

/// What cargo tells a build script of optimisation.
#[derive(Debug, Default)]
pub struct Levels {
    /// `PROFILE`: `debug` or `release`.
    pub profile: String,
    /// `opt-level` of the firmware: parts of the portable kernels are compiled there.
    pub firmware: String,
    /// That of mixq-rt: where the rest is compiled. `None` if the firmware does not depend on it.
    pub runtime: Option<String>,
}

impl Levels {
    /// Reads the variables of a build script.
    pub fn from_env() -> Levels {
        let variable = |name| std::env::var(name).ok();
        Levels {
            profile: variable("PROFILE").unwrap_or_default(),
            firmware: variable("OPT_LEVEL").unwrap_or_default(),
            runtime: variable("DEP_MIXQ_RT_OPT_LEVEL"),
        }
    }

    /// Lines of a warning, the last two of which belong into Cargo.toml; none if there is nothing to warn of.
    pub fn warning(&self, target: &Target) -> Vec<String> {
        let portable = target.name != "armv7em";
        let runtime = self.runtime.as_ref().unwrap_or(&self.firmware);
        if runtime != "0" && !(portable && self.firmware == "0") {
            return Vec::new();
        }
        let profile = if self.profile == "release" { "release" } else { "dev" };
        // Counted on examples/digits.
        let (slower, table, level) = if portable {
            ("up to thirty times as many", format!("[profile.{profile}]"), "opt-level = 1")
        } else {
            ("three times as many", format!("[profile.{profile}.package.mixq-rt]"), "opt-level = 3")
        };
        let first = format!(
            "mixq's kernels are compiled without optimisation and take {slower} instructions; add to the \
             workspace's Cargo.toml:"
        );
        vec![first, table, level.to_string()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn asks_for(expected: [&str; 2], [profile, firmware, runtime]: [&str; 3], set: &str) {
        let runtime = (!runtime.is_empty()).then(|| runtime.to_string());
        let levels = Levels { profile: profile.to_string(), firmware: firmware.to_string(), runtime };
        let warning = levels.warning(Target::named(set).unwrap());
        let lines: Vec<&str> = warning.iter().skip(1).map(String::as_str).collect();
        assert_eq!(lines, expected.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>());
    }

    #[test]
    fn kernels_in_assembly_need_an_optimised_runtime() {
        let runtime = ["[profile.dev.package.mixq-rt]", "opt-level = 3"];
        asks_for(runtime, ["debug", "0", "0"], "armv7em");
        asks_for(runtime, ["debug", "0", ""], "armv7em");
        asks_for(runtime, ["debug", "1", "0"], "armv7em");
        asks_for(["", ""], ["debug", "0", "3"], "armv7em");
        asks_for(["", ""], ["debug", "1", "1"], "armv7em");
        asks_for(["[profile.release.package.mixq-rt]", "opt-level = 3"], ["release", "0", "0"], "armv7em");
    }

    #[test]
    fn portable_kernels_need_all_of_the_firmware_optimised() {
        for set in ["portable", "armv6m"] {
            asks_for(["[profile.dev]", "opt-level = 1"], ["debug", "0", "0"], set);
            asks_for(["[profile.dev]", "opt-level = 1"], ["debug", "0", "3"], set);
            asks_for(["", ""], ["debug", "1", "1"], set);
            asks_for(["", ""], ["release", "3", "3"], set);
        }
    }
}

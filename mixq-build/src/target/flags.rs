//! What rustc's flags say of the processor.

use crate::config::cores::Core;

/// Flags of rustc, as far as they matter here.
#[derive(Debug, Default)]
pub struct Flags {
    /// Whether code may have DSP instructions, and the flag that says so; `None` if none does.
    pub dsp: Option<(bool, String)>,
}

impl Flags {
    /// Reads flags as cargo gives them to build scripts in `CARGO_ENCODED_RUSTFLAGS`: with the character
    /// U+001F between.
    pub fn parse(encoded: &str) -> Flags {
        let (mut cpu, mut feature) = (None, None);
        let mut words = encoded.split('\x1f');
        while let Some(word) = words.next() {
            let option = match word {
                "-C" | "--codegen" => words.next(),
                _ => word.strip_prefix("-C").or(word.strip_prefix("--codegen=")),
            };
            // The last of several counts, of features each by itself.
            match option.and_then(|option| option.split_once('=')) {
                Some(("target-cpu", name)) => cpu = of_cpu(name),
                Some(("target-feature", list)) => feature = of_features(list).or(feature),
                _ => {}
            }
        }
        Flags { dsp: feature.or(cpu) }
    }
}

fn of_cpu(name: &str) -> Option<(bool, String)> {
    Some((Core::named(name)?.dsp, format!("-C target-cpu={name}")))
}

fn of_features(list: &str) -> Option<(bool, String)> {
    let feature = list.split(',').rfind(|feature| matches!(*feature, "+dsp" | "-dsp"))?;
    Some((feature.starts_with('+'), format!("-C target-feature={feature}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dsp(flags: &[&str]) -> Option<(bool, String)> {
        Flags::parse(&flags.join("\x1f")).dsp
    }

    #[test]
    fn a_processor_is_named_in_every_form() {
        let said = |dsp, flag: &str| Some((dsp, flag.to_string()));
        let m33 = || said(true, "-C target-cpu=cortex-m33");
        assert_eq!(dsp(&["-C", "target-cpu=cortex-m33"]), m33());
        assert_eq!(dsp(&["-Ctarget-cpu=cortex-m33"]), m33());
        assert_eq!(dsp(&["--codegen=target-cpu=cortex-m33"]), m33());
        assert_eq!(dsp(&["--codegen", "target-cpu=cortex-m33"]), m33());
        assert_eq!(dsp(&["-Ctarget-cpu=cortex-m23"]), said(false, "-C target-cpu=cortex-m23"));
    }

    #[test]
    fn features_count_before_the_processor() {
        let without = Some((false, "-C target-feature=-dsp".to_string()));
        assert_eq!(dsp(&["-Ctarget-feature=-dsp", "-Ctarget-cpu=cortex-m33"]), without);
        assert_eq!(dsp(&["-Ctarget-cpu=cortex-m33", "-C", "target-feature=+fp16,-dsp"]), without);
        assert_eq!(dsp(&["-Ctarget-feature=+dsp,-dsp", "-Ctarget-feature=+fp16"]), without);
        let with = Some((true, "-C target-feature=+dsp".to_string()));
        assert_eq!(dsp(&["-Ctarget-feature=-dsp", "-Ctarget-feature=+dsp"]), with);
    }

    #[test]
    fn what_says_nothing_of_dsp_is_passed_over() {
        assert_eq!(dsp(&[""]), None);
        assert_eq!(dsp(&["-C"]), None);
        assert_eq!(dsp(&["-Ctarget-cpu=generic", "-Clink-arg=-Tlink.x", "--cfg", "target-cpu"]), None);
    }
}

//! What kills have come to.

use std::collections::BTreeMap;

use serde_json::json;

use super::stage::{STAGES, Stage};

/// What came of it.
#[derive(Default)]
pub struct Findings {
    /// That were trained to their end.
    pub trainings: usize,
    /// How many in each stage.
    pub kills: BTreeMap<Stage, usize>,
    /// Kills in the middle of writing a file.
    pub half_written: usize,
    /// Whatever is not as in an undisturbed training, in words.
    pub wrong: Vec<String>,
}

impl Findings {
    /// Kills in all.
    pub fn total(&self) -> usize {
        self.kills.values().sum()
    }

    /// For people.
    pub fn text(&self, seconds: f64) -> String {
        let mut text =
            format!("{} kills over {} trainings in {seconds:.0} s\n", self.total(), self.trainings);
        for stage in STAGES {
            let kills = self.kills.get(&stage).copied().unwrap_or_default();
            text += &format!("{:>6} while {}\n", kills, stage.name());
        }
        text += &format!("{:>6} of them in the middle of writing a file\n", self.half_written);
        if self.wrong.is_empty() {
            text +=
                "each artifact is that of an undisturbed training to the byte; no file is left or damaged";
            return text;
        }
        for wrong in &self.wrong {
            text += &format!("wrong: {wrong}\n");
        }
        text.trim_end().to_string()
    }

    /// For programs.
    pub fn json(&self, seed: u64, seconds: f64) -> serde_json::Value {
        let stages = self.kills.iter().map(|(stage, kills)| (stage.name().to_string(), json!(kills)));
        json!({
            "passed": self.wrong.is_empty(),
            "kills": self.total(),
            "trainings": self.trainings,
            "stages": stages.collect::<serde_json::Map<_, _>>(),
            "half_written": self.half_written,
            "wrong": self.wrong,
            "seed": seed,
            "seconds": seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kills_have_spoilt_is_said() {
        let mut findings = Findings { trainings: 3, half_written: 1, ..Findings::default() };
        findings.kills.extend([(Stage::Reading, 2), (Stage::Writing, 5)]);
        let text = findings.text(61.4);
        assert!(text.starts_with("7 kills over 3 trainings in 61 s\n     2 while reading"), "{text}");
        assert!(text.ends_with("no file is left or damaged"), "{text}");
        assert_eq!(findings.json(4, 1.0)["passed"], true);
        findings.wrong.push("killed in float: the artifact is another".to_string());
        assert!(findings.text(1.0).ends_with("wrong: killed in float: the artifact is another"));
        let json = findings.json(4, 1.0);
        assert_eq!((&json["passed"], &json["kills"], &json["seed"]), (&json!(false), &json!(7), &json!(4)));
    }
}

//! Which layers are executed in stripes of rows, in figures.

use mixq_format::Stage;
use serde::Serialize;

use crate::text::enumerate;

/// A run of layers that is executed in stripes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// Its first layer.
    pub first: String,
    /// Its last layer, whose output lies in the arena whole.
    pub last: String,
    /// How many layers it has.
    pub layers: usize,
    /// Rows of the first layer's output that are made in a turn.
    pub rows: u16,
    /// Whether the image comes in rows while it is executed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fed: bool,
    /// Rows from one window of a signal to the next one, if windows overlap. Instructions and times are then
    /// those of a window that follows another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<u16>,
}

impl StageReport {
    /// The stages of layers with these names.
    pub(super) fn all<'a>(stages: impl IntoIterator<Item = &'a Stage>, names: &[&str]) -> Vec<StageReport> {
        let of = |stage: &Stage| {
            let range = stage.range();
            let name = |index: usize| names[index].to_string();
            let (first, last) = (name(range.start), name(range.end - 1));
            let hop = (stage.hop > 0).then_some(stage.hop);
            StageReport { first, last, layers: range.len(), rows: stage.rows, fed: stage.fed, hop }
        };
        stages.into_iter().map(of).collect()
    }
}

/// The stages in a line for people; nothing, if there are none.
pub fn text(stages: &[StageReport]) -> String {
    let in_words = |rows: u16| if rows == 1 { "1 row".to_string() } else { format!("{rows} rows") };
    let stage = |stage: &StageReport| {
        let rows = in_words(stage.rows);
        let fed = if stage.fed { ", as rows of the image come" } else { "" };
        let kept = match stage.hop {
            Some(hop) => format!(
                "; what windows share that begin {} apart is kept (instructions are those of such a window)",
                in_words(hop)
            ),
            None => String::new(),
        };
        format!("`{}` to `{}` by {rows}{fed}{kept}", stage.first, stage.last)
    };
    match stages {
        [] => String::new(),
        stages => format!("in stripes: {}\n", enumerate(&stages.iter().map(stage).collect::<Vec<_>>())),
    }
}

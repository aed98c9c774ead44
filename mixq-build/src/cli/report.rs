//! `cargo mixq report`.

use super::packages::Models;
use super::{Outcome, Selection};
use crate::artifact::State;
use crate::error::{Error, Problem};
use crate::prepare::Prepared;
use crate::report::{Report, table};

pub fn run(selection: &Selection) -> Result<Outcome, Error> {
    let chosen = Models::select(selection)?;
    let mut models = Vec::new();
    for (model, path) in &chosen.models {
        let prepared = Prepared::new(model)?;
        let artifact = match prepared.state(path)? {
            State::Fresh(artifact) => artifact,
            stale @ State::Stale(..) => {
                eprintln!("warning: {} {}", path.display(), stale.reason().unwrap_or_default());
                let State::Stale(artifact, _) = stale else { unreachable!("matched above") };
                artifact
            }
            other => {
                let message = format!("{} {}", path.display(), other.reason().unwrap_or_default());
                return Err(Problem::new(message).help("run `cargo mixq retrain`").into());
            }
        };
        let report = Report::new(&artifact);
        say!("{}", table(&report));
        models.push(report.json());
    }
    Ok(Outcome { models, well: true })
}

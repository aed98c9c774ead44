//! `cargo mixq report`.

use super::packages::Models;
use super::{Outcome, Selection, table};
use mixq_build::engine::error::{Error, Problem};
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::report::Report;

pub fn run(selection: &Selection) -> Result<Outcome, Error> {
    let chosen = Models::select(selection)?;
    let mut models = Vec::new();
    for (model, path) in &chosen.models {
        let prepared = Prepared::new(model, Some(&chosen.cache))?;
        let state = prepared.state(path)?;
        let reason = prepared.reason(&state).map(|reason| format!("{} {reason}", path.display()));
        let Some(artifact) = state.artifact() else {
            let message = reason.unwrap_or_default();
            return Err(Problem::new(message).help("run `cargo mixq retrain`").into());
        };
        if let Some(reason) = reason {
            eprintln!("warning: {reason}");
        }
        let report = Report::new(&chosen.placed(path, &artifact)?);
        say!("{}", table::artifact(&report));
        models.push(report.json());
    }
    Ok(Outcome { models, firmware: chosen.together()?, well: true })
}

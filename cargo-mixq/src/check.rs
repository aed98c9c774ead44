//! `cargo mixq check`.

use serde_json::json;

use super::packages::Models;
use super::{Outcome, Selection, problems};
use mixq_build::engine::artifact::DATASET;
use mixq_build::engine::dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::prepare::Prepared;

pub fn run(selection: &Selection) -> Result<Outcome, Error> {
    let chosen = Models::select(selection)?;
    let mut models = Vec::new();
    let mut well = true;
    for (model, path) in &chosen.models {
        let prepared = Prepared::new(model, Some(&chosen.cache))?;
        let reason = prepared.reason(&prepared.state(path)?);
        match &reason {
            Some(reason) => {
                say!("{} {reason}; run `cargo mixq retrain --model {}`", path.display(), model.name);
            }
            None if prepared.fingerprint.contains_key(DATASET) || model.dataset.is_absent() => {
                say!("{} is fresh", path.display())
            }
            None => say!(
                "{} is fresh, as far as can be told: {} is not there",
                path.display(),
                dataset::find(&model.dataset).display()
            ),
        }
        // What keeps the model from being trained is worth knowing before somebody tries.
        let unfit = reason.as_ref().and_then(|_| prepared.allocate().err());
        unfit.iter().for_each(problems::print);
        let unfit: Vec<String> =
            unfit.iter().flat_map(|error| &error.problems).map(ToString::to_string).collect();
        well &= reason.is_none();
        models.push(json!({
            "model": model.name, "fresh": reason.is_none(), "reason": reason, "problems": unfit
        }));
    }
    Ok(Outcome { models, firmware: chosen.together()?, well })
}

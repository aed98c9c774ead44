//! `cargo mixq retrain`.

use super::{Outcome, Selection};
use crate::error::Error;

#[cfg(not(feature = "train"))]
pub fn run(_: &Selection, _: bool) -> Result<Outcome, Error> {
    let problem = crate::error::Problem::new("this cargo-mixq was built without training").help(
        "install it with `cargo install mixq-build --features cli,train`, with LIBTORCH set to the folder of \
         libtorch 2.13.0 (in mixq's own repository `cargo xtask retrain` does all that)",
    );
    Err(problem.into())
}

#[cfg(feature = "train")]
pub fn run(selection: &Selection, force: bool) -> Result<Outcome, Error> {
    use super::packages::Models;
    use super::progress::Bars;
    use crate::prepare::Prepared;
    use crate::report::{Report, table};

    let chosen = Models::select(selection)?;
    // All that can be said before hours of training is said before.
    let mut problems = Vec::new();
    let mut prepared = Vec::new();
    for (model, path) in &chosen.models {
        match Prepared::new(model).and_then(|p| p.allocate().map(|_| p)) {
            Ok(ready) => prepared.push((ready, path)),
            Err(error) => problems.extend(error.problems),
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let mut models = Vec::new();
    for (prepared, path) in &prepared {
        let start = std::time::Instant::now();
        let mut bars = Bars::new(&prepared.model.name);
        let waiting = || eprintln!("waiting: another process makes {}", path.display());
        let result = crate::retrain::retrain(prepared, path, &chosen.scratch, force, waiting, &mut bars);
        bars.finish();
        let (artifact, trained) = result?;
        if !trained {
            eprintln!("{} is fresh", path.display());
        }
        let report = Report::new(&artifact);
        say!("{}", table(&report));
        let mut json = report.json();
        json["trained"] = trained.into();
        json["seconds"] = start.elapsed().as_secs_f64().into();
        models.push(json);
    }
    Ok(Outcome { models, well: true })
}

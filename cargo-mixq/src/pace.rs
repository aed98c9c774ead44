//! `cargo mixq pace`.

use super::packages::Models;
use super::reading::Reading;
use super::{Outcome, Selection};
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::settings::Training;
use mixq_build::engine::train::{Job, Pace, pace};

/// Turns of each phase, of which the medians are told.
const TURNS: usize = 15;

pub fn run(selection: &Selection) -> Result<Outcome, Error> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    super::malloc_settings::apply();
    let mut models = Vec::new();
    let chosen = Models::select(selection)?;
    for (model, _) in &chosen.models {
        let prepared = Prepared::new(model, Some(&chosen.cache))?;
        let (graph, allocation) = (&prepared.graph, prepared.allocate()?);
        let (input, outputs, reading) = (&graph.inputs, graph.output(), &mut Reading::new());
        let (dataset, _) =
            Dataset::load_with_digest(&model.dataset, prepared.cache, input, outputs, reading)?;
        let without = Training { distillation: 0.0, ..model.training.clone() };
        let settings = [("as it is trained", &model.training), ("without distillation", &without)];
        let mut json = serde_json::json!({ "model": model.name, "turns": TURNS });
        for (how, settings) in settings {
            let job = Job {
                graph,
                allocation: &allocation,
                choose: None,
                scheme: model.scheme,
                normalisations: &[],
                initial: None,
                settings,
                dataset: &dataset,
            };
            let paces = pace(job, TURNS)?;
            let figure = |of: fn(&Pace) -> f64| median(paces.iter().map(of).collect());
            let (float, quantised) = (figure(|pace| pace.float), figure(|pace| pace.quantised));
            let share = figure(|pace| pace.quantised / pace.float);
            say!(
                "{} {how}: {float:.0} images/s in float, {quantised:.0} quantised, {:.0} %",
                model.name,
                100.0 * share
            );
            json[how.replace(' ', "_")] = serde_json::json!({
                "float_images_per_second": float, "quantised_images_per_second": quantised, "share": share
            });
        }
        models.push(json);
    }
    Ok(Outcome { models, firmware: Vec::new(), well: true })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

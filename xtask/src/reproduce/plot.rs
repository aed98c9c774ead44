//! Accuracy over flash, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::{Networks, budgets};

const SIZE: (u32, u32) = (760, 420);

/// The best networks of each budget: at 8 bits, by the rules, by sensitivity.
pub fn svg(networks: &Networks) -> Result<String> {
    let series = [
        ("8 bits", budgets::Choice::Eight, RGBColor(90, 90, 90)),
        ("mixed, by the rules", budgets::Choice::Rules, RGBColor(30, 100, 200)),
        ("mixed, by sensitivity", budgets::Choice::Sensitivity, RGBColor(200, 80, 20)),
    ];
    let mut lines = Vec::new();
    for (label, choice, colour) in series {
        let mut points = Vec::new();
        for budget in &budgets::BUDGETS {
            let Some(network) = budget.model(choice).and_then(|name| networks.get(name)) else { continue };
            points.push((budget.flash as f64 / 1024.0, 100.0 * network.integer_accuracy));
        }
        lines.push((label, colour, points));
    }
    let accuracies: Vec<f64> = lines.iter().flat_map(|(_, _, points)| points).map(|point| point.1).collect();
    let lowest = accuracies.iter().copied().fold(100.0, f64::min);
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let largest = budgets::BUDGETS.iter().map(|budget| budget.flash as f64 / 1024.0).fold(0.0, f64::max);

    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.08 * largest, (lowest - 2.0).floor()..(highest + 1.0).ceil())
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("budget of flash, KiB")
            .y_desc("test images right, %")
            .draw()
            .map_err(failed)?;
        for (label, colour, points) in &lines {
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))
                .map_err(failed)?
                .label(*label)
                .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
            let dots = points.iter().map(|point| Circle::new(*point, 4, colour.filled()));
            chart.draw_series(dots).map_err(failed)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()
            .map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(text)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::page;
    use crate::reproduce::tests::network;

    #[test]
    fn every_budget_has_a_point_of_each_kind() {
        let all = page::names().into_iter().map(|name| (name.to_string(), network(name, 1000, 0.75)));
        let text = svg(&all.collect()).unwrap();
        assert!(text.starts_with("<svg"), "{text}");
        // No network of 8 bits fits the tightest.
        assert_eq!(text.matches("<circle").count(), 3 * budgets::BUDGETS.len() - 1);
        assert!(text.contains("by sensitivity"));
        assert!(svg(&Networks::new()).unwrap().starts_with("<svg"), "nothing is trained yet");
    }
}
